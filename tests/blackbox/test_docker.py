# SPDX-License-Identifier: Apache-2.0
"""The docker engine against Berth: log in, push, pull, run, log out."""
import time

import pytest

from harness.images import GREETING, hello_tar, write_context
from harness.server import ADMINISTRATOR, PASSWORDS

EACH_PERSON = ["alice", "bob", ADMINISTRATOR]


def import_image(docker, name, **difference):
    """A local image that runs /hello."""
    docker("import", "--change", 'CMD ["/hello"]', "-", name, stdin=hello_tar(**difference))
    return name


def forget(docker, *names):
    """Removes images from the engine, so that a pull has to fetch them."""
    docker("rmi", "--force", *names)


def runs(docker, name):
    return GREETING in docker("run", "--rm", "--network", "none", name)


def repo_digest(docker, name):
    return docker("inspect", "--format", "{{index .RepoDigests 0}}", name).out.strip()


@pytest.mark.parametrize("name", EACH_PERSON)
def test_login__succeeds(docker, berth, name):
    output = docker("login", "-u", name, "--password-stdin", berth.address, stdin=PASSWORDS[name])
    assert "Login Succeeded" in output


def test_login__by_email(docker, berth):
    output = docker(
        "login",
        "-u",
        "alice@example.org",
        "--password-stdin",
        berth.address,
        stdin=PASSWORDS["alice"],
    )
    assert "Login Succeeded" in output


def test_login__stores_a_token_in_place_of_the_password(log_in):
    docker = log_in("alice")
    config = (docker.cwd / "docker/config.json").read_text()
    assert "identitytoken" in config


@pytest.mark.parametrize("name", ["alice", "nobody-of-that-name"])
def test_login__wrong_password_is_told(docker, berth, name):
    output = docker(
        "login", "-u", name, "--password-stdin", berth.address, stdin="wrong", fails=True
    )
    assert "incorrect username or password" in output


def test_push__with_a_tag(log_in, berth, repository):
    docker = log_in("alice")
    image = import_image(docker, f"{berth.address}/alice/{repository}:1.0")
    output = docker("push", image)
    assert "1.0: digest: sha256:" in output


def test_push__without_a_tag_is_latest(log_in, berth, repository):
    docker = log_in("alice")
    import_image(docker, f"{berth.address}/alice/{repository}")
    assert "latest: digest: sha256:" in docker("push", f"{berth.address}/alice/{repository}")


def test_push__all_tags(log_in, berth, repository):
    docker = log_in("alice")
    name = f"{berth.address}/alice/{repository}"
    for tag in ("1", "2", "testing"):
        import_image(docker, f"{name}:{tag}", tag=tag)
    docker("push", "--all-tags", name)
    forget(docker, *(f"{name}:{tag}" for tag in ("1", "2", "testing")))
    docker("pull", "--all-tags", name)
    assert sorted(docker("images", "--format", "{{.Tag}}", name).rows()) == ["1", "2", "testing"]


def test_push__again_uploads_nothing(log_in, berth, repository):
    docker = log_in("alice")
    image = import_image(docker, f"{berth.address}/alice/{repository}:1", only=repository)
    assert "Pushed" in docker("push", image)
    again = docker("push", image)
    assert "Layer already exists" in again and "Pushed" not in again


def test_push__to_another_repository_mounts_the_layer(log_in, berth, repository):
    docker = log_in("alice")
    first = import_image(docker, f"{berth.address}/alice/{repository}-a", only=repository)
    docker("push", first)
    second = f"{berth.address}/alice/{repository}-b"
    docker("tag", first, second)
    assert f"Mounted from alice/{repository}-a" in docker("push", second)


def test_pull__gives_what_was_pushed(log_in, docker, berth, repository):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/{repository}:1.0")
    owner("push", image)
    pushed = repo_digest(owner, image)
    forget(owner, image)

    assert f"Downloaded newer image for {image}" in docker("pull", image)
    assert repo_digest(docker, image) == pushed
    assert runs(docker, image)


def test_pull__by_digest(log_in, docker, berth, repository):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/{repository}:1.0")
    owner("push", image)
    by_digest = repo_digest(owner, image)
    forget(owner, image)
    docker("pull", by_digest)
    assert runs(docker, by_digest)


def test_pull__run_fetches_by_itself(log_in, docker, berth, repository):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/{repository}")
    owner("push", image)
    forget(owner, image)
    output = docker("run", "--rm", "--network", "none", image)
    assert "Unable to find image" in output and GREETING in output.out


def test_pull__moved_tag_brings_the_new_image(log_in, docker, berth, repository):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/{repository}", version="old")
    owner("push", image)
    old = repo_digest(owner, image)
    import_image(owner, image, version="new")
    owner("push", image)
    forget(owner, image)
    docker("pull", image)
    assert repo_digest(docker, image) != old
    docker("pull", old)


def test_pull__unknown_tag_says_so(log_in, docker, berth, repository):
    owner = log_in("alice")
    owner("push", import_image(owner, f"{berth.address}/alice/{repository}"))
    output = docker("pull", f"{berth.address}/alice/{repository}:missing", fails=True)
    assert "manifest" in output and "unknown" in output


def test_build__push_pull_run(log_in, berth, repository, tmp_path):
    docker = log_in("alice")
    image = f"{berth.address}/alice/{repository}:built"
    docker("build", "-t", image, write_context(tmp_path / "context"))
    docker("push", image)
    forget(docker, image)
    assert runs(docker, image)


def test_build__on_top_of_a_pulled_image(log_in, berth, repository, tmp_path):
    docker = log_in("alice")
    base = import_image(docker, f"{berth.address}/alice/{repository}-base", only=repository)
    docker("push", base)
    forget(docker, base)
    image = f"{berth.address}/alice/{repository}"
    docker("build", "-t", image, write_context(tmp_path / "context", note="on top", base=base))
    assert f"Mounted from alice/{repository}-base" in docker("push", image)


def test_commit__push_pull_run(log_in, berth, repository):
    docker = log_in("alice")
    image = import_image(docker, f"{berth.address}/alice/{repository}:before")
    docker("run", "--network", "none", "--name", repository, image)
    committed = f"{berth.address}/alice/{repository}:after"
    docker("commit", "--message", "changed by hand", repository, committed)
    docker("rm", repository)
    docker("push", committed)
    forget(docker, committed, image)
    assert runs(docker, committed)


def test_tag__several_in_one_repository(berth, engine):
    berth.add_user("docs", password="docs-password")
    docker = engine.client()
    docker("login", "-u", "docs", "--password-stdin", berth.address, stdin="docs-password")
    base = import_image(docker, f"{berth.address}/docs/base")
    for tag in ("testing", "1.0", "1.0-rc_2"):
        docker("tag", base, f"{base}:{tag}")
        docker("push", f"{base}:{tag}")
    forget(docker, base, f"{base}:testing", f"{base}:1.0", f"{base}:1.0-rc_2")
    assert runs(docker, f"{berth.address}/docs/base:testing")


def test_logout__ends_the_right_to_push(log_in, berth, repository):
    docker = log_in("alice")
    image = import_image(docker, f"{berth.address}/alice/{repository}")
    docker("push", image)
    assert "Removing login credentials" in docker("logout", berth.address)
    output = docker("push", f"{image}", fails=True)
    assert "denied" in output or "unauthorized" in output or "authentication required" in output


def test_official__short_and_long_name_are_one(log_in, docker, berth):
    administrator = log_in(ADMINISTRATOR)
    image = import_image(administrator, f"{berth.address}/library/debianlike:12")
    administrator("push", image)
    forget(administrator, image)
    docker("pull", f"{berth.address}/debianlike:12")
    docker("pull", image)
    assert runs(docker, f"{berth.address}/debianlike:12")
    ids = docker(
        "images",
        "--format",
        "{{.ID}}",
        "--filter",
        f"reference={berth.address}/*/debianlike",
        "--filter",
        f"reference={berth.address}/debianlike",
    ).rows()
    assert len(ids) == 2 and len(set(ids)) == 1


def test_official__administrator_pushes_by_the_short_name(log_in, docker, berth):
    administrator = log_in(ADMINISTRATOR)
    image = import_image(administrator, f"{berth.address}/shortname")
    administrator("push", image)
    docker("pull", f"{berth.address}/library/shortname")


@pytest.mark.parametrize("name", ["library/nginxlike", "nginxlike"])
def test_official__others_are_refused_with_a_sentence(log_in, berth, name):
    docker = log_in("alice")
    output = docker("push", import_image(docker, f"{berth.address}/{name}"), fails=True)
    assert "denied" in output and "administrator" in output


def test_push__into_a_foreign_namespace_is_refused_with_a_sentence(log_in, berth):
    owner, stranger = log_in("alice"), log_in("bob")
    image = import_image(owner, f"{berth.address}/alice/foreign")
    owner("push", image)
    missing = import_image(stranger, f"{berth.address}/alice/never-pushed")
    sentences = [stranger("push", name, fails=True).splitlines()[-1] for name in (image, missing)]
    assert sentences[0].replace(image.rpartition("/")[2], "never-pushed") == sentences[1]
    refusal = "denied: namespace 'alice' is not yours; push to bob/never-pushed instead"
    assert refusal in sentences[1]


def test_push__name_with_three_parts_is_refused_with_a_sentence_at_once(log_in, berth):
    """At once: docker tries again for most of a minute unless the answer's code tells it not to."""
    docker = log_in("alice")
    image = import_image(docker, f"{berth.address}/alice/team/app")
    started = time.monotonic()
    output = docker("push", image, fails=True)
    assert "two parts" in output or "namespace" in output
    assert time.monotonic() - started < 10


def test_push__nobody_is_refused(docker, berth, repository):
    output = docker("push", import_image(docker, f"{berth.address}/alice/{repository}"), fails=True)
    assert "denied" in output or "authentication required" in output or "unauthorized" in output


def assert_looks_missing(docker, image):
    """The answer is, but for the name, the one about a repository that is not there."""
    name = image.rpartition("/")[2]
    missing = image.replace(name, "there-is-none")
    refused, unknown = (docker("pull", either, fails=True) for either in (image, missing))
    assert refused.replace(name, "there-is-none") == unknown


class TestPrivate:
    @pytest.fixture
    def image(self, log_in, berth, repository):
        name = f"alice/{repository}"
        berth.command("repo", "add", name, "--private", "yes")
        owner = log_in("alice")
        image = import_image(owner, f"{berth.address}/{name}")
        owner("push", image)
        forget(owner, image)
        return image

    def test_private__owner_and_administrator_pull(self, image, log_in):
        for name in ("alice", ADMINISTRATOR):
            docker = log_in(name)
            assert runs(docker, image)
            forget(docker, image)

    def test_private__looks_missing_to_strangers(self, image, log_in):
        assert_looks_missing(log_in("bob"), image)

    def test_private__looks_missing_to_nobody(self, image, docker):
        assert_looks_missing(docker, image)

    def test_private__made_public_is_pulled_by_anybody(self, image, docker, berth):
        berth.command("repo", "change", image.removeprefix(f"{berth.address}/"), "--private", "no")
        assert runs(docker, image)
