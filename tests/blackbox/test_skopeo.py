# SPDX-License-Identifier: Apache-2.0
"""skopeo against Berth: copies between registries and folders, looks, deletes."""
import pytest

from harness.images import OCI_INDEX, Image, document, index_of, layer_tar
from harness.registry import Registry
from harness.server import PASSWORDS

FROM, TO, ON = "--src-tls-verify=false", "--dest-tls-verify=false", "--tls-verify=false"


@pytest.fixture
def skopeo(containers, berth):
    client = containers.skopeo()
    client("login", ON, "-u", "alice", "--password-stdin", berth.address, stdin=PASSWORDS["alice"])
    return client


@pytest.fixture
def pushed(berth, repository):
    """A repository with an image `one`, and an index `both` over two platforms."""
    name = f"alice/skopeo-{repository}"
    registry = Registry(berth, name, "alice")
    registry.push(Image(layer_tar({"one": repository.encode()})), "one")
    images = [
        Image(layer_tar({"arch": architecture.encode()}), architecture=architecture)
        for architecture in ("amd64", "arm64")
    ]
    for image in images:
        registry.push(image, image.digest)
    registry.push_manifest(index_of(*images), "both", OCI_INDEX)
    return f"docker://{berth.address}/{name}"


def test_inspect__shows_tags_and_digest(skopeo, pushed):
    shown = skopeo("inspect", ON, f"{pushed}:one").json()
    assert shown["RepoTags"] == ["both", "one"]
    assert shown["Digest"].startswith("sha256:") and shown["Architecture"] == "amd64"


def test_list_tags__in_order(skopeo, pushed):
    assert skopeo("list-tags", ON, pushed).json()["Tags"] == ["both", "one"]


def test_copy__within_and_between_repositories(skopeo, pushed):
    for target in (f"{pushed}:two", f"{pushed}-copy:one"):
        skopeo("copy", FROM, TO, f"{pushed}:one", target)
        digests = [
            skopeo("inspect", ON, "--format", "{{.Digest}}", name)
            for name in (f"{pushed}:one", target)
        ]
        assert digests[0] == digests[1]


def test_copy__all_platforms_to_a_folder_and_back(skopeo, pushed, tmp_path):
    skopeo("copy", "--all", FROM, f"{pushed}:both", f"oci:{tmp_path}/layout:both")
    skopeo("copy", "--all", TO, f"oci:{tmp_path}/layout:both", f"{pushed}-back:both")
    indexes = [
        skopeo("inspect", ON, "--raw", name).out
        for name in (f"{pushed}:both", f"{pushed}-back:both")
    ]
    assert indexes[0] == indexes[1]


def test_copy__one_platform_of_an_index(skopeo, pushed, tmp_path):
    skopeo("--override-arch", "arm64", "copy", FROM, f"{pushed}:both", f"dir:{tmp_path}/arm")
    shown = skopeo("--override-arch", "arm64", "inspect", ON, f"{pushed}:both").json()
    assert shown["Architecture"] == "arm64"


def test_copy__keeps_the_digest(skopeo, pushed, tmp_path):
    skopeo("copy", "--preserve-digests", FROM, f"{pushed}:one", f"dir:{tmp_path}/kept")
    skopeo("copy", "--preserve-digests", TO, f"dir:{tmp_path}/kept", f"{pushed}-kept:one")


def test_sync__repository_to_another(skopeo, pushed, berth):
    skopeo(
        "sync",
        "--all",
        FROM,
        TO,
        "--src",
        "docker",
        "--dest",
        "docker",
        pushed.removeprefix("docker://"),
        f"{berth.address}/alice",
    )


def test_delete__manifest_with_its_tags(skopeo, pushed):
    skopeo("copy", FROM, TO, f"{pushed}:one", f"{pushed}:same")
    skopeo("delete", ON, f"{pushed}:one")
    assert skopeo("list-tags", ON, pushed).json()["Tags"] == ["both"]
    output = skopeo("inspect", ON, f"{pushed}:one", fails=True)
    assert "manifest unknown" in output or "manifest_unknown" in output.lower()


def test_delete__refused_to_strangers(containers, berth, pushed):
    stranger = containers.skopeo()
    stranger("login", ON, "-u", "bob", "--password-stdin", berth.address, stdin=PASSWORDS["bob"])
    stranger("delete", ON, f"{pushed}:one", fails=True)


def test_copy__foreign_namespace_is_refused(containers, berth, pushed):
    stranger = containers.skopeo()
    stranger("login", ON, "-u", "bob", "--password-stdin", berth.address, stdin=PASSWORDS["bob"])
    output = stranger("copy", FROM, TO, f"{pushed}:one", f"{pushed}:mine", fails=True)
    assert "denied" in output


def test_copy__artifact_without_layers_of_an_image(skopeo, berth, repository, tmp_path):
    """A Helm chart: another config type; skopeo copies it as it is."""
    name = f"alice/skopeo-{repository}"
    registry = Registry(berth, name, "alice")
    config, chart = document({"name": "chart", "version": "1.0.0"}), layer_tar(
        {"Chart.yaml": b"name: chart"}
    )
    manifest = document(
        {
            "schemaVersion": 2,
            "config": {
                "mediaType": "application/vnd.cncf.helm.config.v1+json",
                "digest": registry.push_blob(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                    "digest": registry.push_blob(chart),
                    "size": len(chart),
                }
            ],
        }
    )
    registry.push_manifest(manifest, "1.0.0")
    skopeo("copy", FROM, f"docker://{berth.address}/{name}:1.0.0", f"dir:{tmp_path}/chart")
