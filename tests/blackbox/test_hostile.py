# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, or are broken: each gets a fitting answer within a limit, and the server
is well afterwards.  Broken framing is in test_http_core.py, documents in
test_hostile_documents.py."""
import base64
import concurrent.futures
import contextlib
import json
import socket
import threading
import time

import pytest

from conformance import finish, noise, start
from harness.images import OCI_INDEX, OCI_MANIFEST, Image, digest_of, document, index_of
from harness.registry import Registry, basic, call, raw, token, with_query
from hostile import stays_well  # noqa: F401 (a fixture)
from hostile import MISSING, PROMPT_S, put, request, status_of, statuses_of, within

HEAD_LIMIT_S = 15


@pytest.fixture
def alice(checked, repository):
    registry = Registry(checked, f"alice/{repository}", "alice")
    registry.push_blob(b"{}")
    return registry


# --- slow clients ----------------------------------------------------------------------------


def test_slow__heads_and_bodies_keep_nobody_waiting(checked, alice):
    """Half heads end in time; bodies that trickle hold up nobody else."""
    location = start(alice)
    with contextlib.ExitStack() as open_ones:

        def connect(first_bytes):
            connection = socket.create_connection(("127.0.0.1", checked.port), timeout=60)
            open_ones.enter_context(connection)
            connection.sendall(first_bytes)
            return connection

        begin = time.monotonic()
        heads = [connect(b"GET /v2/ HTTP/1.1\r\nHost: local") for _ in range(60)]
        head = request("alice", "PATCH", location, "Content-Length: 1000000")
        bodies = [connect(head + b"x") for _ in range(8)]
        while time.monotonic() - begin < HEAD_LIMIT_S - 2:
            for connection in heads:
                connection.sendall(b"h")
            for connection in bodies:
                with contextlib.suppress(OSError):  # all but one were told that they are too many
                    connection.sendall(b"x")
            with within(PROMPT_S):
                assert call(checked, "GET", "/readyz").status == 200
                assert alice.blob(digest_of(b"{}")).status == 200
            time.sleep(0.5)
        for connection in heads:
            assert status_of(connection.recv(1000)) in (0, 408)
        assert time.monotonic() - begin < HEAD_LIMIT_S + 2 * PROMPT_S
    with within(PROMPT_S):
        assert alice.call("GET", with_query(location)).status == 204


def test_slow__reader_of_a_large_blob_keeps_nobody_waiting(checked, alice):
    blob = noise(8 << 20)
    digest = alice.push_blob(blob)
    with contextlib.ExitStack() as open_ones:
        for _ in range(40):
            connection = socket.create_connection(("127.0.0.1", checked.port), timeout=60)
            open_ones.enter_context(connection)
            connection.sendall(request("alice", "GET", f"/v2/{alice.repository}/blobs/{digest}"))
        with within(PROMPT_S):
            assert alice.blob(digest).body == blob


def test_cut__upload_keeps_what_arrived(alice, checked):
    """A body that ends early: nothing is lost, nothing is made up."""
    blob, location = noise(600000), start(alice)
    head = request("alice", "PATCH", location, f"Content-Length: {len(blob)}")
    raw(checked, head + blob[:400000], close=True)
    end = time.monotonic() + PROMPT_S
    while True:
        answer = alice.expect(204, "GET", with_query(location))
        size = int(answer.headers["Range"].removeprefix("0-")) + 1
        if size > 1 or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert 0 < size <= 400000
    rest = finish(alice, location, digest_of(blob), blob[size:])
    assert rest.status == 201 and alice.blob(digest_of(blob)).body == blob


def test_cut__manifest_is_not_there(alice, checked):
    body = alice.push(Image()).manifest
    path = f"/v2/{alice.repository}/manifests/cut"
    head = request(
        "alice", "PUT", path, f"Content-Type: {OCI_MANIFEST}", f"Content-Length: {len(body) + 5}"
    )
    assert status_of(raw(checked, head + body, close=True)) in (0, 400)
    alice.expect(404, "GET", "manifests/cut")


# --- paths -----------------------------------------------------------------------------------

PATH_TRICKS = [
    "/v2/../v2/alice/{secret}/manifests/1",
    "/v2/alice/../alice/{secret}/manifests/1",
    "/v2/alice/./{secret}/manifests/1",
    "/v2//alice/{secret}/manifests/1",
    "/v2/alice//{secret}/manifests/1",
    "/v2/alice%2F{secret}/manifests/1",
    "/v2/alice%2f{secret}/manifests/1",
    "/v2/alice%252F{secret}/manifests/1",
    "/v2/alice%5C{secret}/manifests/1",
    "/v2/alice\\{secret}/manifests/1",
    "/v2/bob/%2e%2e/alice/{secret}/manifests/1",
    "/v2/bob/%252e%252e/alice/{secret}/manifests/1",
    "/v2/bob/..%2Falice%2F{secret}/manifests/1",
    "/v2/bob/..;/alice/{secret}/manifests/1",
    "/v2/alice/{secret}%00/manifests/1",
    "/v2/alice/{secret}/manifests/1%00",
    "/v2/alice/{secret}/manifests/..%2F1",
    "/v2/alice/{secret}/manifests/%2e%2e%2f1",
    "/v2/alice/{secret}/manifests/%c0%ae%c0%ae",
    "/v2/alice/{secret}/manifests/1/../../tags/list",
    "/v2/alice/{secret}/blobs/..%2F..%2Fberth.db",
    "/v2/alice/{secret}/blobs/sha256:..%2F..%2F..%2Fberth.db",
    "/v2/alice/{secret}/blobs/uploads/..%2F..%2F..%2Fetc%2Fpasswd",
    "/v2/alice/{secret}/blobs/uploads/%00",
    "/v2/ALICE/{secret}/manifests/1",
    "/v2/alice/{secret}/manifests/1?access_token=x",
    "/v2/alice/{secret}/manifests/%",
    "/v2/alice/{secret}/manifests/%zz",
    "/v2/alice/{secret}/manifests/" + "a" * 7000,
    "/v2/" + "a/" * 3000 + "manifests/1",
    "//v2/alice/{secret}/manifests/1",
    "/V2/alice/{secret}/manifests/1",
    "http://localhost/v2/alice/{secret}/manifests/1",
    "http://elsewhere@localhost/v2/alice/{secret}/manifests/1",
    "*",
    "v2/alice/{secret}/manifests/1",
]


@pytest.fixture(scope="module")
def secret(checked):
    checked.command("repo", "add", "alice/hostile-secret", "--private", "yes")
    registry = Registry(checked, "alice/hostile-secret", "alice")
    return registry.push(Image(), "1")


@pytest.mark.parametrize("path", PATH_TRICKS, ids=lambda path: path[:60])
@pytest.mark.parametrize("who", [None, "bob"])
def test_path__tricks_lead_nowhere(checked, secret, path, who):
    """To nobody and to a stranger: no content, no fault, an answer at once."""
    with within(PROMPT_S):
        for method in ("GET", "PUT", "DELETE"):
            target = path.format(secret="hostile-secret")
            answer = raw(checked, request(who, method, target, "Content-Length: 0"))
            assert status_of(answer) in (0, 301, 308, *range(400, 500)), answer[:300]
            assert secret.digest.encode() not in answer and b'"layers"' not in answer
            assert b"SQLite" not in answer and b"root:" not in answer


@pytest.mark.parametrize("path", PATH_TRICKS, ids=lambda path: path[:60])
def test_path__tricks_are_no_fault_for_the_owner(checked, secret, path):
    """Her they may lead to what is hers, under any spelling that HTTP holds equal."""
    answer = raw(checked, request("alice", "GET", path.format(secret="hostile-secret")))
    assert 0 <= status_of(answer) < 500 and b"SQLite" not in answer


def test_query__header_lines_in_parameters_stay_text(alice):
    picture = alice.push(Image(), "a")
    alice.push_manifest(picture.manifest, "b")
    evil = "%0d%0aSet-Cookie:%20a=b"
    for path in (
        f"tags/list?n=1&last={evil}",
        f"tags/list?n=1{evil}",
        f"referrers/{MISSING}?artifactType={evil}&n=1",
        f"manifests/a?ns={evil}",
    ):
        answer = alice.call("GET", path)
        assert answer.status in (200, 400) and "Set-Cookie" not in answer.headers
    for path in (f"blobs/uploads/?mount={MISSING}&from={evil}", f"blobs/uploads/?digest={evil}"):
        assert "Set-Cookie" not in alice.call("POST", path, b"").headers


# --- sessions and tokens of others -----------------------------------------------------------


def test_session__of_others_does_not_exist(checked, alice):
    location = with_query(start(alice))
    session = location.rsplit("/", 1)[1]
    bob = Registry(checked, "bob/hostile-sessions", "bob")
    start(bob)
    own = Registry(checked, "alice/hostile-sessions", "alice")
    start(own)
    for registry in (bob, own):
        for method, query in (
            ("GET", ""),
            ("PATCH", ""),
            ("PUT", f"?digest={MISSING}"),
            ("DELETE", ""),
        ):
            answer = registry.call(method, f"blobs/uploads/{session}{query}", b"x")
            assert answer.status == 404 and answer.errors()[0][0] == "BLOB_UPLOAD_UNKNOWN"
    answer = bob.call("PATCH", location, b"x")
    assert answer.status == 403, answer
    assert alice.expect(204, "GET", location).headers["Range"] == "0-0"


@pytest.mark.parametrize(
    "session", ["0", "..", "%2e%2e", "a" * 5000, "%00", "'--", "0" * 32, "g" * 32, "A" * 32]
)
def test_session__names_that_are_none(alice, session):
    for method, query in (
        ("GET", ""),
        ("PATCH", ""),
        ("PUT", f"?digest={MISSING}"),
        ("DELETE", ""),
    ):
        answer = alice.call(method, f"blobs/uploads/{session}{query}", b"x")
        assert answer.status in (400, 404), answer


def test_session__written_by_many_at_once_gets_each_byte_once(alice):
    """All send the same first chunk: one is taken, the others learn where it stands."""
    chunk, location = noise(200000), with_query(start(alice))
    headers = {"Content-Range": f"0-{len(chunk) - 1}"}

    def send(_):
        return alice.call("PATCH", location, chunk, headers)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status for answer in pool.map(send, range(8)))
    assert statuses == [202] + [416] * 7
    answer = finish(alice, location, digest_of(chunk))
    assert answer.status == 201 and alice.blob(digest_of(chunk)).body == chunk


def test_session__finished_by_many_at_once_is_one_blob(alice):
    blob, location = noise(200000), with_query(start(alice))

    def send(_):
        return finish(alice, location, digest_of(blob), blob)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status for answer in answers} <= {201, 400, 404, 409, 416}
    assert 201 in {answer.status for answer in answers}
    assert alice.blob(digest_of(blob)).body == blob


def forged(payload_changes, header=None, secret=None):
    """A token with other contents and no right signature."""
    head, payload, signature = secret.split(".")

    def encode(value):
        return base64.urlsafe_b64encode(document(value)).decode().rstrip("=")

    def decode(text):
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    payload = encode({**decode(payload), **payload_changes})
    return f"{encode(header) if header else head}.{payload}.{'' if header else signature}"


class TestTokens:
    def test_token__of_another_scope_is_not_enough(self, alice, checked):
        elsewhere = token(checked, "alice", "repository:alice/elsewhere:pull,push")
        reading = token(checked, "alice", f"repository:{alice.repository}:pull")
        for bearer in (elsewhere, reading):
            answer = call(
                checked,
                "POST",
                f"/v2/{alice.repository}/blobs/uploads/",
                b"",
                {"Authorization": f"Bearer {bearer}"},
            )
            assert answer.status == 401
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]

    def test_token__of_nobody_does_not_grow(self, alice, checked):
        scope = f"repository:{alice.repository}:pull,push,delete"
        bearer = {"Authorization": f"Bearer {token(checked, None, scope)}"}
        path = f"/v2/{alice.repository}/manifests/{MISSING}"
        assert call(checked, "DELETE", path, headers=bearer).status == 401

    @pytest.mark.parametrize(
        "changes, header",
        [
            ({"sub": "captain"}, None),
            ({"exp": 9999999999}, None),
            ({}, {"alg": "none", "typ": "JWT"}),
            ({}, {"alg": "HS512", "typ": "JWT"}),
            ({}, {"alg": "RS256", "typ": "JWT", "jku": "http://127.0.0.1:1/"}),
        ],
    )
    def test_token__forged_is_refused(self, alice, checked, changes, header):
        real = token(checked, "alice", f"repository:{alice.repository}:pull,push")
        bearer = {"Authorization": f"Bearer {forged(changes, header, real)}"}
        answer = call(checked, "GET", f"/v2/{alice.repository}/tags/list", headers=bearer)
        assert answer.status == 401, answer
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    @pytest.mark.parametrize(
        "value",
        [
            "Bearer",
            "Bearer ",
            "Bearer a.b.c",
            "Bearer ..",
            "Bearer " + "a" * 9000,
            "Basic",
            "Basic !!!!",
            "Basic " + base64.b64encode(b"no colon").decode(),
            "Basic " + base64.b64encode(b"alice\0:x").decode(),
            "Basic " + base64.b64encode(b"a" * 6000 + b":x").decode(),
            "Digest username=alice",
            "bearer\ta",
        ],
        ids=lambda value: value[:24],
    )
    def test_token__nonsense_is_401(self, alice, checked, value):
        path = f"/v2/{alice.repository}/tags/list"
        answer = call(checked, "GET", path, headers={"Authorization": value})
        assert answer.status in (400, 401), answer


# --- ambiguous requests ----------------------------------------------------------------------


class TestAmbiguous:
    @pytest.mark.parametrize(
        "lines",
        [
            ("Authorization: " + basic("bob"),),
            ("Host: elsewhere",),
            ("Content-Type: a/b", "Content-Type: c/d"),
            ("Content-Range: 0-1", "Content-Range: 0-1"),
            ("Content-Length: 2", "Content-Length: 3"),
            ("Content-Length: 2, 2",),
            ("Content-Length: 2", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked, identity",),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ],
        ids=lambda lines: " + ".join(lines)[:60],
    )
    def test_ambiguous__headers_that_may_stand_once_are_refused(self, alice, checked, lines):
        path = f"/v2/{alice.repository}/blobs/uploads/?digest={digest_of(b'{}')}"
        answer = raw(checked, request("alice", "POST", path, *lines, body=b"{}"), close=True)
        assert status_of(answer) in (400, 401, 501), answer[:300]
        assert len(statuses_of(answer)) == 1

    def test_ambiguous__ranges_and_types_never_break(self, alice, checked):
        blob, manifest = f"/v2/{alice.repository}/blobs/{digest_of(b'{}')}", alice.push(
            Image(), "1"
        )
        cases = [
            ("GET", blob, ("Range: bytes=0-0", "Range: bytes=1-1"), (200, 206, 400, 416)),
            ("GET", blob, ("Range: bytes=" + "0-0," * 2000 + "0-0",), (200, 416)),
            ("GET", blob, ("If-None-Match: " + '"x",' * 2000 + '"x"',), (200,)),
            (
                "GET",
                f"/v2/{alice.repository}/manifests/1",
                ("Accept: a/b," * 1000 + "*/*",),
                (200,),
            ),
            ("GET", f"/v2/{alice.repository}/manifests/1", ("Accept: ;;q=,,/",), (200, 406)),
        ]
        for method, path, lines, allowed in cases:
            answer = raw(checked, request("alice", method, path, *lines))
            assert status_of(answer) in allowed, (lines, answer[:300])
        assert alice.manifest("1").body == manifest.manifest

    def test_ambiguous__types_of_a_manifest_do_not_choose(self, alice, checked):
        body = alice.push(Image()).manifest
        path = f"/v2/{alice.repository}/manifests/two-types"
        types = (f"Content-Type: {OCI_MANIFEST}", f"Content-Type: {OCI_INDEX}")
        for lines in (types, types[::-1]):
            answer = raw(
                checked,
                request("alice", "PUT", path, *lines, f"Content-Length: {len(body)}", body=body),
            )
            assert status_of(answer) == 400, answer[:300]

    def test_ambiguous__content_range_twice_changes_nothing(self, alice, checked):
        location = with_query(start(alice))
        lines = ("Content-Range: 0-4", "Content-Range: 5-9", "Content-Length: 5")
        answer = raw(checked, request("alice", "PATCH", location, *lines, body=b"12345"))
        assert status_of(answer) == 400, answer[:300]
        assert alice.expect(204, "GET", location).headers["Range"] == "0-0"

    def test_ambiguous__digest_twice_is_not_taken_for_the_wrong_one(self, alice):
        right = digest_of(b"x")
        for first, second in ((right, MISSING), (MISSING, right)):
            answer = alice.call("POST", f"blobs/uploads/?digest={first}&digest={second}", b"x")
            assert answer.status in (201, 400)
            if answer.status == 201:
                assert answer.headers["Docker-Content-Digest"] == right
        alice.expect(404, "HEAD", f"blobs/{MISSING}")


# --- what changes meanwhile ------------------------------------------------------------------


def test_race__tag_deleted_between_two_calls(alice):
    picture = alice.push(Image(), "1")
    assert alice.expect(200, "HEAD", "manifests/1").headers["Docker-Content-Digest"]
    alice.expect(202, "DELETE", "manifests/1")
    alice.expect(404, "GET", "manifests/1")
    assert alice.manifest(picture.digest).body == picture.manifest
    alice.expect(404, "DELETE", "manifests/1")


def test_race__pulling_while_all_is_pushed_and_deleted(alice):
    """A pull gets all of it or is told that it is not there, never half or a fault."""
    picture = Image(noise(50000))
    alice.push(picture, "1")
    layer = digest_of(picture.layers[0])
    is_over, seen = threading.Event(), set()

    def pull():
        while not is_over.is_set():
            for path, wanted in (
                ("manifests/1", picture.manifest),
                (f"manifests/{picture.digest}", picture.manifest),
                (f"blobs/{layer}", picture.layers[0]),
            ):
                answer = alice.call("GET", path)
                seen.add(answer.status)
                assert answer.status == 404 or answer.status == 200 and answer.body == wanted

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        pulls = [pool.submit(pull) for _ in range(3)]
        try:
            for number in range(8):
                alice.expect(202, "DELETE", f"manifests/{picture.digest}")
                for blob in picture.blobs:  # the history of a tag may keep them
                    assert alice.call("DELETE", f"blobs/{digest_of(blob)}").status in (202, 405)
                alice.push(picture, "1" if number % 2 else picture.digest)
        finally:
            is_over.set()
        for done in pulls:
            done.result()
    assert seen <= {200, 404} and alice.manifest("1").body == picture.manifest


def test_race__child_deleted_while_its_index_is_pushed(alice):
    """A child that its index keeps cannot be deleted; one that was deleted just before comes back
    with the index, as long as its content is still there."""
    for number in range(6):
        picture = alice.push(Image(noise(64)))
        body = index_of(picture, annotations={"n": str(number)})
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            pushing = pool.submit(put, alice, body, f"i{number}", OCI_INDEX)
            deleting = pool.submit(alice.call, "DELETE", f"manifests/{picture.digest}")
        assert pushing.result().status == 201
        assert deleting.result().status in (202, 405)
        found = alice.call("GET", f"manifests/{picture.digest}").status
        assert found == 200 or (found == 404 and deleting.result().status == 202)
        assert alice.manifest(f"i{number}").body == body
