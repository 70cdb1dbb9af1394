# SPDX-License-Identifier: Apache-2.0
"""Space comes back while the server runs, and nothing goes that somebody still needs."""
import os
import time

import pytest

from harness.images import OCI_INDEX, Image, digest_of, index_of
from harness.registry import Registry, call
from harness.server import PASSWORDS

WITHIN_S = 60
LAYER_BYTES = 500_000


def stored(berth):
    """The files of blobs, and their bytes."""
    files = [path for path in (berth.data / "blobs").glob("sha256/*/*") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files)


def wait_for(is_so, seconds=WITHIN_S):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def metric(berth, name):
    for line in call(berth, "GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return int(line.split()[1])
    raise AssertionError(f"no metric {name}")


def report(berth, *words):
    return berth.command("gc", "--json", *words).json()


@pytest.fixture
def quick(new_berth):
    """Leases of a second, no history."""
    berth = new_berth(history_days="0", collect_lease_s="1").start()
    berth.add_user("alice")
    return berth


@pytest.fixture
def alice(quick):
    return Registry(quick, "alice/app", "alice")


@pytest.mark.route("DELETE /v2/{repository}/manifests/{reference}")
def test_delete__gives_the_space_back_within_a_minute(quick, alice):
    kept = alice.push(Image(os.urandom(LAYER_BYTES)), "kept")
    count, size = stored(quick)
    image = alice.push(Image(os.urandom(LAYER_BYTES)), "gone")
    assert stored(quick)[1] > size + LAYER_BYTES
    alice.expect(202, "DELETE", f"manifests/{image.digest}")
    wait_for(lambda: stored(quick)[0] <= count)
    assert stored(quick) == (count, size)
    assert alice.manifest("kept").body == kept.manifest
    assert all(alice.blob(digest_of(blob)).body == blob for blob in kept.blobs)
    assert alice.blob(digest_of(image.blobs[-1])).status == 404
    assert metric(quick, "berth_collected_bytes_total") >= LAYER_BYTES
    assert metric(quick, "berth_collected_blobs_total") >= 1


def test_upload__without_a_manifest_goes_after_its_lease(quick, alice):
    digest = alice.push_blob(os.urandom(LAYER_BYTES))
    assert stored(quick)[0] == 1
    wait_for(lambda: stored(quick)[0] == 0)
    assert alice.blob(digest).status == 404
    alice.push(Image(os.urandom(1000)))  # and pushing works as before


def test_index__goes_with_its_images_and_not_before(quick, alice):
    images = [Image(os.urandom(1000), architecture=name) for name in ("amd64", "arm64")]
    for image in images:
        alice.push(image, image.digest)
    index = index_of(*images)
    alice.push_manifest(index, "both", OCI_INDEX)
    time.sleep(1.5)
    alice.expect(405, "DELETE", f"manifests/{images[0].digest}")
    alice.expect(202, "DELETE", "manifests/both")
    alice.expect(202, "DELETE", f"manifests/{digest_of(index)}")
    wait_for(lambda: stored(quick)[0] == 0)
    assert [alice.manifest(image.digest).status for image in images] == [404, 404]


@pytest.mark.route("DELETE /v2/{repository}/manifests/{reference}")
def test_skopeo_delete__gives_the_space_back(quick, alice, containers):
    skopeo = containers.skopeo()
    on = "--tls-verify=false"
    skopeo("login", on, "-u", "alice", "--password-stdin", quick.address, stdin=PASSWORDS["alice"])
    alice.push(Image(os.urandom(LAYER_BYTES)), "one")
    skopeo("delete", on, f"docker://{quick.address}/alice/app:one")
    wait_for(lambda: stored(quick) == (0, 0))


def test_history__keeps_what_was_deleted_until_it_is_purged(new_berth):
    berth = new_berth(collect_lease_s="1").start()
    berth.add_user("alice")
    alice = Registry(berth, "alice/app", "alice")
    image = alice.push(Image(os.urandom(LAYER_BYTES)), "1.0")
    alice.expect(202, "DELETE", f"manifests/{image.digest}")
    assert alice.manifest(image.digest).status == 404
    time.sleep(1.5)
    before = report(berth, "--run")
    assert before["history"]["blobs"] == 2 and before["history"]["bytes"] > LAYER_BYTES
    assert stored(berth)[0] == 2
    alice.push_manifest(image.manifest, "1.0")  # comes back without any upload
    assert report(berth)["tagged"]["blobs"] == 2
    alice.expect(202, "DELETE", f"manifests/{image.digest}")
    after = report(berth, "--purge", "--yes")
    assert all(after[reason]["blobs"] == 0 for reason in ("tagged", "history", "free"))
    assert stored(berth) == (0, 0)


def test_gc__works_without_a_server(quick, alice):
    alice.push(Image(os.urandom(LAYER_BYTES)), "kept")
    alice.push_blob(os.urandom(LAYER_BYTES))
    quick.stop()
    time.sleep(1.5)
    shown = quick.command("gc").out
    assert "tagged" in shown and "free" in shown and "500.0 kB" in shown
    assert report(quick)["free"] == {"blobs": 1, "bytes": LAYER_BYTES}
    done = quick.command("gc", "--run").out
    assert "1 blobs of 500000 bytes" in done
    assert report(quick)["free"]["blobs"] == 0
    assert stored(quick)[0] == 2


def test_untagged_days__drop_what_has_no_tag(quick, alice):
    quick.command("user", "change", "alice", "--untagged-days", "0")
    alice.push(Image(os.urandom(LAYER_BYTES)), "latest")
    second = alice.push(Image(os.urandom(1000)), "latest")
    wait_for(lambda: stored(quick)[1] < LAYER_BYTES)
    assert alice.manifest("latest").body == second.manifest
    wrong = quick.command("user", "change", "alice", "--untagged-days", "soon", expect=2)
    assert "0 to 3650, off" in wrong.err
    users = quick.command("user", "list", "--json").json()
    assert [user["untagged_days"] for user in users if user["name"] == "alice"] == [0]
