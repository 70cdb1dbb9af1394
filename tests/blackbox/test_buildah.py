# SPDX-License-Identifier: Apache-2.0
"""buildah against Berth."""
import pytest

from harness.images import write_context
from harness.server import PASSWORDS

INSECURE = "--tls-verify=false"


@pytest.fixture
def buildah(containers, berth):
    client = containers.buildah()
    client(
        "login",
        INSECURE,
        "-u",
        "alice",
        "--password-stdin",
        berth.address,
        stdin=PASSWORDS["alice"],
    )
    return client


def test_build__push_and_pull(buildah, berth, repository, tmp_path):
    image = f"{berth.address}/alice/buildah-{repository}:1"
    buildah("build", "--isolation", "chroot", "-t", image, write_context(tmp_path / "context"))
    buildah("push", INSECURE, image)
    buildah("rmi", "--force", image)
    buildah("pull", INSECURE, image)


def test_build__from_a_base_here(buildah, berth, repository, tmp_path):
    base = f"{berth.address}/alice/buildah-{repository}:base"
    buildah("build", "--isolation", "chroot", "-t", base, write_context(tmp_path / "base"))
    buildah("push", INSECURE, base)
    buildah("rmi", "--force", base)
    image = f"{berth.address}/alice/buildah-{repository}:top"
    buildah(
        "build",
        INSECURE,
        "--isolation",
        "chroot",
        "--layers",
        "-t",
        image,
        write_context(tmp_path / "top", note="on top", base=base),
    )
    buildah("push", INSECURE, image)


def test_commit__from_a_working_container(buildah, berth, repository, tmp_path):
    note = tmp_path / "note"
    note.write_text("by hand")
    container = buildah("from", "scratch").out.strip()
    buildah("copy", container, note, "/note")
    image = f"docker://{berth.address}/alice/buildah-{repository}:committed"
    buildah("commit", INSECURE, container, image)
    buildah("rm", container)
    buildah("pull", INSECURE, image)


def test_push__by_digest_file(buildah, berth, repository, tmp_path):
    image = f"{berth.address}/alice/buildah-{repository}"
    buildah("build", "--isolation", "chroot", "-t", image, write_context(tmp_path / "context"))
    digest_file = tmp_path / "digest"
    buildah("push", INSECURE, "--digestfile", digest_file, image)
    buildah("rmi", "--force", image)
    buildah("pull", INSECURE, f"{image}@{digest_file.read_text()}")
