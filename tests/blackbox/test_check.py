# SPDX-License-Identifier: Apache-2.0
"""berth check beside a server, and berth restore after the database was lost."""
import os
import threading
import time

import pytest

from harness.images import OCI_INDEX, OCI_MANIFEST, Image, descriptor, digest_of, document
from harness.registry import Registry

COPY_TIMEOUT_S = 60
UNFINISHED_MAX = 200  # uploads of one person


@pytest.fixture
def alice(new_berth):
    berth = new_berth().start()
    berth.add_user("alice")
    return Registry(berth, "alice/app", "alice")


def findings(berth, *options):
    """(kind, state) of all that a check finds."""
    result = berth.command("check", "--json", "--rate", "0", *options, expect=None)
    found = [(finding["kind"], finding["state"]) for finding in result.json()]
    is_clean = all(state == "repaired" for _, state in found)
    assert result.status == (0 if is_clean else 1), result.err
    return found


def file_of(berth, content):
    """The only file of a blob."""
    digest = digest_of(content).removeprefix("sha256:")
    (path,) = (berth.data / "blobs/sha256" / digest[:2]).glob(f"{digest}.*")
    return path


def test_check__of_a_healthy_server(alice):
    alice.push(Image(os.urandom(100000)))
    assert findings(alice.berth) == []
    text = alice.berth.command("check", "--rate", "0").out
    assert "Checked 2 blobs" in text and "nothing is wrong" in text


def test_check__reports_nothing_of_running_pushes(alice):
    stops = threading.Event()
    failures = []

    def push(name):
        registry = Registry(alice.berth, f"alice/{name}", "alice")
        number = 0
        while not stops.is_set():
            number += 1
            image = registry.push(Image(os.urandom(50000)), f"tag{number % 3}")
            if number <= UNFINISHED_MAX:  # an account may have 1,000 of them
                location = registry.start_upload()
                registry.expect(202, "PATCH", location, os.urandom(1000))
            if number % 4 == 0:
                registry.expect(202, "DELETE", f"manifests/{digest_of(image.manifest)}")

    def run(name):
        try:
            push(name)
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    try:
        end = time.monotonic() + 10
        while time.monotonic() < end and not failures:
            assert findings(alice.berth) == []
            assert findings(alice.berth, "--repair") == []
    finally:
        stops.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[0]


def test_check__a_damaged_layer_is_healed_by_the_next_push(alice):
    image = alice.push(Image(os.urandom(100000)))
    layer = image.blobs[-1]
    path = file_of(alice.berth, layer)
    path.chmod(0o640)
    with open(path, "r+b") as file:
        file.seek(5000)
        file.write(bytes([layer[5000] ^ 1]))
    assert findings(alice.berth, "--quick") == []
    assert findings(alice.berth) == [("blob-broken", "left")]
    text = alice.berth.command("check", "--repair", "--rate", "0", expect=1).out
    assert "alice/app:latest" in text and "1 cannot be repaired here" in text
    assert alice.call("GET", f"blobs/{digest_of(layer)}").status == 404
    alice.push(image)
    assert alice.blob(digest_of(layer)).body == layer
    assert findings(alice.berth) == []


def test_check__a_lost_file_and_a_stray_one(alice):
    image = alice.push(Image(os.urandom(1000)))
    kept = alice.push(Image(os.urandom(1000)), "kept")
    file_of(alice.berth, image.blobs[-1]).unlink()
    stray = os.urandom(10)
    folder = alice.berth.data / "blobs/sha256" / digest_of(stray)[7:9]
    folder.mkdir(exist_ok=True)
    (folder / f"{digest_of(stray)[7:]}.{'0' * 32}").write_bytes(stray)
    assert findings(alice.berth) == [("blob-missing", "left")]  # the other may be a push
    found = findings(alice.berth, "--grace", "0", "--repair")
    assert sorted(found) == [("blob-missing", "left"), ("file-unknown", "repaired")]
    assert alice.manifest("kept").body == kept.manifest
    assert not any(folder.iterdir()) or folder.name in {
        digest_of(blob)[7:9] for blob in (*image.blobs, *kept.blobs)
    }


def wait_for_note(berth, repository, *parts):
    """Until the copy in the store knows all of these."""
    path = berth.data / "blobs/recovery/repository" / repository
    end = time.monotonic() + COPY_TIMEOUT_S
    while True:
        text = path.read_text() if path.exists() else ""
        if all(part in text for part in parts):
            return
        assert time.monotonic() < end, f"{path}: {text}"
        time.sleep(0.1)


def test_restore__every_image_comes_back_after_the_database_was_lost(alice):
    berth = alice.berth
    secret = Registry(berth, "alice/secret", "alice")
    images = {str(number): alice.push(Image(os.urandom(20000)), str(number)) for number in range(3)}
    hidden = secret.push(Image(os.urandom(20000)), "1.0")
    index = document(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [descriptor(OCI_MANIFEST, images["0"].manifest)],
        }
    )
    alice.push_manifest(index, "all", OCI_INDEX)
    berth.command(
        "repo", "change", "alice/secret", "--private", "yes", "--description", "Nobody's business"
    )
    wait_for_note(berth, "alice/app", "tag 0 ", "tag 1 ", "tag 2 ", "tag all ")
    wait_for_note(berth, "alice/secret", "tag 1.0 ", "Nobody's business")
    berth.stop()

    # The old database is never asked again.
    berth.settings["BERTH_DATABASE"] = f"sqlite:{berth.folder}/new.db"
    result = berth.command("restore", "--from-store")
    assert "1 accounts, 2 repositories, 5 manifests, 5 tags" in result.out
    assert "user change NAME --password" in result.out
    assert "not empty" in berth.command("restore", "--from-store", expect=1).err
    assert "nothing is wrong" in berth.command("check", "--rate", "0", "--grace", "0").out
    berth.start()
    nobody = Registry(berth, "alice/app")
    for tag, image in images.items():
        assert nobody.manifest(tag).body == image.manifest
        for blob in image.blobs:
            assert nobody.blob(digest_of(blob)).body == blob
    assert nobody.manifest("all").body == index
    assert Registry(berth, "alice/secret").manifest("1.0").status == 401

    berth.command("user", "change", "alice", "--password-stdin", stdin="alice-password\n")
    alice.token = secret.token = None
    assert secret.manifest("1.0").body == hidden.manifest
    for blob in hidden.blobs:
        assert secret.blob(digest_of(blob)).body == blob
    alice.push(Image(os.urandom(1000)), "new")
    assert findings(berth) == []
