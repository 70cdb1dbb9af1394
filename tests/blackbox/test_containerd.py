# SPDX-License-Identifier: Apache-2.0
"""containerd (ctr) against Berth; it asks for tokens by POST first, which docker of this age does
not."""
import pytest

from harness.client import Failed
from harness.images import GREETING, OCI_INDEX, Image, hello_tar, index_of, layer_tar
from harness.registry import Registry
from harness.server import PASSWORDS

ALICE = ("--user", f"alice:{PASSWORDS['alice']}")


@pytest.fixture
def ctr(containerd):
    return containerd.client()


@pytest.fixture
def image(berth, repository):
    name = f"alice/ctr-{repository}"
    Registry(berth, name, "alice").push(Image(hello_tar()), "1")
    return f"{berth.address}/{name}:1"


def test_pull__and_run(ctr, image, repository):
    ctr("images", "pull", "--plain-http", image)
    try:
        output = ctr("run", "--rm", image, repository, "/hello")
    except Failed as failed:
        if "cgroup" in str(failed):
            pytest.skip(f"containerd cannot use the cgroups of this machine: {failed}")
        raise
    assert GREETING in output


def test_push__under_another_tag(ctr, image, berth):
    ctr("images", "pull", "--plain-http", *ALICE, image)
    again = image.removesuffix(":1") + ":2"
    ctr("images", "tag", image, again)
    ctr("images", "push", "--plain-http", *ALICE, again)
    path = image.removeprefix(f"{berth.address}/").removesuffix(":1")
    assert Registry(berth, path).call("GET", "tags/list").json()["tags"] == ["1", "2"]


def test_push__foreign_namespace_is_refused_with_a_sentence(ctr, image, berth):
    ctr("images", "pull", "--plain-http", image)
    mine = image.replace("/alice/", "/bob/")
    ctr("images", "tag", image, mine)
    output = ctr("images", "push", "--plain-http", *ALICE, mine, fails=True)
    assert "denied" in output or "403" in output or "insufficient" in output


def test_pull__private_with_the_right_password_only(ctr, berth, repository):
    name = f"alice/ctr-{repository}"
    image = f"{berth.address}/{name}:1"
    berth.command("repo", "add", name, "--private", "yes")
    Registry(berth, name, "alice").push(Image(layer_tar({"a": b"private"})), "1")
    ctr("images", "pull", "--plain-http", image, fails=True)
    output = ctr("images", "pull", "--plain-http", "--user", "alice:wrong", image, fails=True)
    assert "401" in output or "authorization failed" in output or "incorrect" in output
    ctr("images", "pull", "--plain-http", *ALICE, image)


def test_pull__all_platforms(ctr, berth, repository):
    name = f"alice/ctr-{repository}"
    registry = Registry(berth, name, "alice")
    images = [
        Image(layer_tar({"arch": text.encode()}), architecture=text) for text in ("amd64", "arm64")
    ]
    for image in images:
        registry.push(image, image.digest)
    registry.push_manifest(index_of(*images), "both", OCI_INDEX)
    ctr("images", "pull", "--plain-http", "--all-platforms", f"{berth.address}/{name}:both")
