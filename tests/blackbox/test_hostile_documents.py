# SPDX-License-Identifier: Apache-2.0
"""Manifests that are too large, too deep, or not what they seem: refused within a limit, or kept as
they came."""
import contextlib
import random

import pytest

from harness.images import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, digest_of, document
from harness.registry import Registry, raw
from hostile import stays_well  # noqa: F401 (a fixture)
from hostile import MISSING, PROMPT_S, put, request, status_of, within


@pytest.fixture
def alice(checked, repository):
    registry = Registry(checked, f"alice/{repository}", "alice")
    registry.push_blob(b"{}")
    return registry


def index_with(count):
    child = document({"mediaType": OCI_MANIFEST, "digest": MISSING, "size": 1})
    return (
        b'{"schemaVersion":2,"mediaType":"%s","manifests":[' % OCI_INDEX.encode()
        + b",".join([child] * count)
        + b"]}"
    )


def test_document__of_100000_entries(alice):
    for body in (
        b'{"schemaVersion":2,"manifests":[' + b",".join([b"{}"] * 100000) + b"]}",
        b'{"schemaVersion":2,"manifests":[' + b",".join([b"[]"] * 100000) + b"]}",
        b'{"schemaVersion":2,"manifests":[' + b"0," * 100000 + b"0]}",
        index_with(10001),
    ):
        answer = put(alice, body, media_type=OCI_INDEX)
        assert answer.status in (400, 413) and answer.errors()[0][0] == "MANIFEST_INVALID"
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused while it is sent
        assert put(alice, index_with(100000), media_type=OCI_INDEX).status == 413
    alice.expect(404, "GET", "manifests/hostile")


def test_document__of_as_many_entries_as_are_allowed(alice):
    body = index_with(10000)
    assert put(alice, body, media_type=OCI_INDEX).status == 201
    with within(PROMPT_S):
        assert alice.manifest("hostile").body == body
    with within(3 * PROMPT_S):
        alice.expect(202, "DELETE", f"manifests/{digest_of(body)}")


@pytest.mark.parametrize("has_length", [True, False])
def test_document__over_4_mb_is_refused_before_it_is_read(alice, has_length):
    pieces = b" " * 65536
    body = pieces * 160 if has_length else (pieces for _ in range(160))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        # Some see the connection end while they still send.
        answer = put(alice, body)
        assert answer.status == 413 and answer.errors()[0][0] == "MANIFEST_INVALID"
    alice.expect(404, "GET", "manifests/hostile")


def test_document__announced_as_huge_is_refused_at_once(alice, checked):
    path = f"/v2/{alice.repository}/manifests/hostile"
    head = request("alice", "PUT", path, "Content-Length: 9000000000000000000")
    with within(PROMPT_S):
        assert status_of(raw(checked, head, timeout=20)) == 413


EMPTY = {"mediaType": OCI_EMPTY, "digest": digest_of(b"{}"), "size": 2}
GOOD = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": EMPTY, "layers": []}


def variant(**fields):
    return document({**GOOD, **fields})


def with_config(**fields):
    return variant(config={**EMPTY, **fields})


STRANGE = {
    "deep array": b"[" * 1000000,
    "deep object": b'{"a":' * 500000,
    "deep annotations": variant(annotations={"a": {"b": "c"}}),
    "deep unknown field": document(GOOD)[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "number of a million digits": document(GOOD)[:-1] + b',"x":' + b"9" * 1000000 + b"}",
    "not UTF-8": document(GOOD)[:-1] + b',"x":"\xff\xfe"}',
    "half a surrogate": document(GOOD)[:-1] + b',"x":"\\ud800"}',
    "NUL in a text": document(GOOD)[:-1] + b',"x":"\0"}',
    "byte order mark": b"\xef\xbb\xbf" + document(GOOD),
    "UTF-16": document(GOOD).decode().encode("utf-16"),
    "something behind": document(GOOD) + b"{}",
    "key twice": document(GOOD)[:-1] + b',"layers":[]}',
    "key in another case": document(GOOD)[:-1] + b',"Layers":[]}',
    "image and index at once": variant(manifests=[]),
    "size that is negative": with_config(size=-1),
    "size that is a text": with_config(size="2"),
    "size that is a fraction": with_config(size=2.5),
    "size beyond 63 bits": with_config(size=2**63),
    "digest that is a number": with_config(digest=1),
    "digest without algorithm": with_config(digest="0" * 64),
    "digest of upper case": with_config(digest=digest_of(b"{}").upper()),
    "digest with a path": with_config(digest="sha256:../../../../etc/passwd"),
    "layers that are a text": variant(layers="none"),
    "layer that is null": variant(layers=[None]),
    "version of another kind": variant(schemaVersion="2"),
    "schema 1": document({"schemaVersion": 1, "name": "x", "tag": "y", "fsLayers": []}),
    "subject that is none": variant(subject={"digest": "x"}),
    "subject that is a list": variant(subject=[]),
}


@pytest.mark.parametrize("name", STRANGE)
def test_document__strange_ones_are_refused(alice, name):
    answer = put(alice, STRANGE[name])
    assert answer.status == 400 and answer.errors()[0][0] == "MANIFEST_INVALID", answer
    assert len(answer.body) < 2000
    alice.expect(404, "GET", "manifests/hostile")


def test_document__size_of_a_descriptor_must_be_right(alice):
    answer = put(alice, with_config(size=3))
    assert answer.status in (400, 404) and answer.errors()


def test_document__texts_come_back_as_texts(alice):
    """What looks like markup or header lines in annotations and types stays where it is."""
    nasty = '<script>"\r\nSet-Cookie: a=b\r\n\r\n'
    subject = {"mediaType": OCI_MANIFEST, "digest": MISSING, "size": 1}
    answer = put(alice, variant(subject=subject, annotations={nasty: nasty}))
    assert answer.status == 201
    listed = alice.expect(200, "GET", f"referrers/{MISSING}")
    assert listed.json()["manifests"][0]["annotations"] == {nasty: nasty}
    assert "Set-Cookie" not in listed.headers
    answer = put(alice, variant(artifactType=nasty), "typed")
    assert answer.status == 400, answer


@pytest.mark.parametrize("seed", range(4))
def test_document__of_changed_bytes_is_taken_or_refused(alice, seed):
    """Whatever is taken comes back; nothing is a fault of the server."""
    dice = random.Random(seed)
    for _ in range(60):
        body = bytearray(variant(annotations={"a": "b"}, artifactType="a/b"))
        for _ in range(dice.randrange(1, 4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        answer = put(alice, bytes(body))
        assert answer.status in (201, 400, 404), (bytes(body), answer)
        if answer.status == 201:
            assert alice.manifest("hostile").body == bytes(body)
