# SPDX-License-Identifier: Apache-2.0
"""podman against Berth."""
import pytest

from harness.images import GREETING, hello_tar
from harness.registry import Registry
from harness.server import ADMINISTRATOR, PASSWORDS

INSECURE = "--tls-verify=false"
# Containers may not raise what the machine around the tests allows.
RUN = (
    "run",
    "--rm",
    "--network",
    "none",
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=1024:1024",
)


@pytest.fixture
def podman(containers):
    return containers.podman()


@pytest.fixture
def log_in(containers, berth):
    def make(name):
        client = containers.podman()
        client(
            "login", INSECURE, "-u", name, "--password-stdin", berth.address, stdin=PASSWORDS[name]
        )
        return client

    return make


def import_image(podman, name, **difference):
    podman("import", "--change", 'CMD ["/hello"]', "-", name, stdin=hello_tar(**difference))
    return name


def test_login__succeeds(podman, berth):
    assert "Login Succeeded" in podman(
        "login",
        INSECURE,
        "-u",
        "alice",
        "--password-stdin",
        berth.address,
        stdin=PASSWORDS["alice"],
    )


def test_login__wrong_password_is_refused(podman, berth):
    output = podman(
        "login",
        INSECURE,
        "-u",
        "alice",
        "--password-stdin",
        berth.address,
        stdin="wrong",
        fails=True,
    )
    assert "invalid username/password" in output or "incorrect username or password" in output


def test_push__pull_run(log_in, podman, berth, repository):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/podman-{repository}:1.0")
    owner("push", INSECURE, image)
    owner("rmi", "--force", image)
    podman("pull", INSECURE, image)
    assert GREETING in podman(*RUN, image)


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_push__in_both_formats(log_in, berth, repository, form):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/podman-{repository}:{form}", form=form)
    owner("push", INSECURE, "--format", form, image)
    owner("rmi", "--force", image)
    owner("pull", INSECURE, image)


def test_push__with_a_smaller_compression(log_in, berth, repository):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/podman-{repository}")
    owner("push", INSECURE, "--format", "oci", "--compression-format", "zstd", image)
    owner("rmi", "--force", image)
    owner("pull", INSECURE, image)


def test_push__foreign_namespace_is_refused_with_a_sentence(log_in, berth, repository):
    stranger = log_in("bob")
    image = import_image(stranger, f"{berth.address}/alice/podman-{repository}")
    output = stranger("push", INSECURE, image, fails=True)
    assert "denied" in output and "alice" in output


def test_search__finds_what_was_pushed(log_in, podman, berth, repository):
    owner = log_in(ADMINISTRATOR)
    image = import_image(owner, f"{berth.address}/library/podmansearched")
    owner("push", INSECURE, image)
    rows = podman("search", INSECURE, "--format", "{{.Name}}", f"{berth.address}/podmansear").rows()
    assert rows == [f"{berth.address}/podmansearched"]


def test_search__lists_tags(log_in, podman, berth, repository):
    owner = log_in("alice")
    name = f"{berth.address}/alice/podman-{repository}"
    for tag in ("1", "2"):
        owner("push", INSECURE, import_image(owner, f"{name}:{tag}"))
    rows = podman("search", INSECURE, "--list-tags", "--format", "json", name).json()
    assert rows == [{"Name": name, "Tags": ["1", "2"]}]


def test_manifest__index_of_two_platforms(log_in, berth, repository):
    owner = log_in("alice")
    name = f"{berth.address}/alice/podman-{repository}"
    local = f"localhost/{repository}"
    owner("manifest", "create", local)
    for architecture in ("amd64", "arm64"):
        image = import_image(owner, f"{local}-{architecture}", architecture=architecture)
        owner("manifest", "add", "--arch", architecture, local, f"containers-storage:{image}")
    owner("manifest", "push", INSECURE, "--all", local, f"docker://{name}:both")
    index = Registry(berth, f"alice/podman-{repository}").manifest("both").json()
    assert sorted(entry["platform"]["architecture"] for entry in index["manifests"]) == [
        "amd64",
        "arm64",
    ]


def test_logout__ends_the_right_to_push(log_in, berth, repository):
    owner = log_in("alice")
    image = import_image(owner, f"{berth.address}/alice/podman-{repository}")
    owner("push", INSECURE, image)
    owner("logout", berth.address)
    owner("push", INSECURE, image, fails=True)
