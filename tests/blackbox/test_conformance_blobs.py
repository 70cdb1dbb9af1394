# SPDX-License-Identifier: Apache-2.0
"""Each way to push a blob, under each digest algorithm; what goes wrong on the way, how to go on,
mounts, ranges and conditions."""
import pytest

from conformance import (
    ALGORITHMS,
    OCTETS,
    WAYS,
    check_blob,
    check_created,
    chunk_headers,
    chunks_of,
    finish,
    noise,
    push_in_one_request,
    push_with_put,
    start,
)
from harness.images import digest_of
from harness.registry import Registry, call, token, with_query

by_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@pytest.fixture
def alice(checked, repository):
    return Registry(checked, f"alice/{repository}", "alice")


def pushed(registry, blob, algorithm="sha256"):
    digest = digest_of(blob, algorithm)
    check_created(registry, push_with_put(registry, digest, blob), digest, blob)
    return digest


@by_algorithm
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
class TestPush:
    @pytest.mark.parametrize("size", [1, 3067, 800000])
    def test_push__each_way(self, alice, algorithm, way, size):
        blob = noise(size)
        digest = digest_of(blob, algorithm)
        check_created(alice, way(alice, digest, blob), digest, blob)
        check_blob(alice, digest, blob)
        alice.expect(202, "DELETE", f"blobs/{digest}")
        alice.expect(404, "HEAD", f"blobs/{digest}")

    def test_push__bytes_of_another_digest_are_refused(self, alice, algorithm, way):
        blob = noise(3067)
        digest = digest_of(blob, algorithm)
        answer = way(alice, digest, blob + b"oh no")
        assert answer.status == 400 and answer.errors()[0][0] == "DIGEST_INVALID"
        alice.expect(404, "GET", f"blobs/{digest}")


@by_algorithm
@pytest.mark.parametrize("blob", [b"", b"{}"], ids=["empty", "empty JSON"])
@pytest.mark.parametrize("way", WAYS[:3], ids=lambda way: way.__name__)
def test_push__well_known_blobs(alice, algorithm, way, blob):
    digest = digest_of(blob, algorithm)
    check_created(alice, way(alice, digest, blob), digest, blob)
    check_blob(alice, digest, blob)
    alice.expect(202, "DELETE", f"blobs/{digest}")


@pytest.mark.parametrize(
    "digest",
    ["sha256:zz", "md5:" + "0" * 32, "sha256", "", "sha512:" + "0" * 64, "sha1:" + "0" * 40],
)
def test_push__digests_that_are_none_are_400(alice, digest):
    for answer in (
        push_in_one_request(alice, digest, b"x"),
        push_with_put(alice, digest, b"x"),
        alice.call("POST", with_query("blobs/uploads/", **{"digest-algorithm": "md5"})),
    ):
        assert answer.status == 400 and answer.errors()[0][0] == "DIGEST_INVALID", answer


class TestSession:
    def test_session__location_holds_a_name_that_nobody_guesses(self, alice):
        names = {start(alice).split("?")[0].rsplit("/", 1)[1] for _ in range(3)}
        assert len(names) == 3 and all(len(name) >= 22 for name in names)
        answer = alice.expect(202, "POST", "blobs/uploads/")
        assert answer.headers["Location"].startswith(f"/v2/{alice.repository}/blobs/uploads/")
        assert int(answer.headers["OCI-Chunk-Min-Length"]) > 0

    @pytest.mark.parametrize("last_with_put", [False, True])
    def test_session__chunks_out_of_order_are_416_and_the_status_helps(self, alice, last_with_put):
        """Before each chunk one is sent that is not due: what comes later, or the first again."""
        blob = noise(3067)
        digest, location = digest_of(blob), start(alice)
        chunks = chunks_of(blob)
        for number, (first, chunk) in enumerate(chunks):
            wrong_first, wrong = chunks[(number + 1) % len(chunks)]
            is_end = wrong_first + len(wrong) == len(blob)
            method, query = "PATCH", {}
            if last_with_put and is_end:
                method, query = "PUT", {"digest": digest}
            refused = alice.expect(
                416, method, with_query(location, **query), wrong, chunk_headers(wrong_first, wrong)
            )
            assert refused.errors()[0][0] == "BLOB_UPLOAD_INVALID"
            status = alice.expect(204, "GET", with_query(location))
            for answer in (refused, status):
                assert answer.headers["Range"] == f"0-{max(first - 1, 0)}"
                assert answer.headers["Location"]
            location = status.headers["Location"]
            if last_with_put and first + len(chunk) == len(blob):
                answer = finish(alice, location, digest, chunk, **chunk_headers(first, chunk))
                return check_created(alice, answer, digest, blob)
            location = alice.expect(
                202, "PATCH", with_query(location), chunk, chunk_headers(first, chunk)
            ).headers["Location"]
        return check_created(alice, finish(alice, location, digest), digest, blob)

    @pytest.mark.parametrize(
        "value", ["5-1", "-5", "a-b", "bytes=0-4", "0-4,5-9", "0-99999999999999999999"]
    )
    def test_session__content_range_of_another_form_is_refused(self, alice, value):
        answer = alice.call("PATCH", with_query(start(alice)), b"12345", {"Content-Range": value})
        assert answer.status == 400 and answer.errors()[0][0] in (
            "BLOB_UPLOAD_INVALID",
            "SIZE_INVALID",
        )

    def test_session__content_range_and_length_must_agree(self, alice):
        location = start(alice)
        answer = alice.expect(
            400, "PATCH", with_query(location), b"12345", {"Content-Range": "0-9"}
        )
        assert answer.errors()[0][0] == "SIZE_INVALID"
        blob = b"all is well afterwards"
        digest = digest_of(blob)
        check_created(alice, finish(alice, location, digest, blob), digest, blob)

    def test_session__put_without_digest_is_refused(self, alice):
        answer = alice.expect(400, "PUT", with_query(start(alice)), b"x")
        assert answer.errors()[0][0] == "DIGEST_INVALID"

    def test_session__cancelled_is_gone(self, alice):
        location = with_query(start(alice))
        alice.expect(204, "DELETE", location, b"", {"Content-Length": "0"})
        for method in ("GET", "PATCH", "DELETE"):
            answer = alice.expect(404, method, location)
            assert answer.errors()[0][0] == "BLOB_UPLOAD_UNKNOWN"

    def test_session__is_gone_once_it_is_finished(self, alice):
        blob, location = noise(10), start(alice)
        assert finish(alice, location, digest_of(blob), blob).status == 201
        alice.expect(404, "GET", with_query(location))

    def test_session__algorithm_told_and_another_at_the_end(self, alice):
        """The bytes are then read again."""
        blob = noise(5000)
        location = start(alice, **{"digest-algorithm": "sha512"})
        location = alice.expect(
            202, "PATCH", with_query(location), blob, chunk_headers(0, blob)
        ).headers["Location"]
        digest = digest_of(blob)
        check_created(alice, finish(alice, location, digest), digest, blob)


@by_algorithm
class TestMount:
    @pytest.fixture
    def source(self, checked, repository):
        return Registry(checked, f"alice/{repository}-source", "alice")

    def mount(self, alice, digest, **query):
        return alice.call("POST", with_query("blobs/uploads/", mount=digest, **query), b"")

    def test_mount__from_a_repository(self, alice, source, algorithm):
        """With a token for the target only, as a client has that asks for what a 401 told it."""
        blob = noise(512)
        digest = pushed(source, blob, algorithm)
        answer = self.mount(alice, digest, **{"from": source.repository})
        check_created(alice, answer, digest, blob)
        check_blob(alice, digest, blob)
        assert answer.headers["Location"] == f"/v2/{alice.repository}/blobs/{digest}"

    def test_mount__without_from_finds_it(self, alice, source, algorithm):
        blob = noise(512)
        digest = pushed(source, blob, algorithm)
        check_created(alice, self.mount(alice, digest), digest, blob)
        check_blob(alice, digest, blob)

    @pytest.mark.parametrize("has_from", [False, True])
    def test_mount__of_what_is_missing_begins_an_upload(self, alice, source, algorithm, has_from):
        pushed(source, noise(8))
        blob = noise(512)
        digest = digest_of(blob, algorithm)
        answer = self.mount(alice, digest, **({"from": source.repository} if has_from else {}))
        assert answer.status == 202, answer
        check_created(alice, finish(alice, answer.headers["Location"], digest, blob), digest, blob)

    def test_mount__from_where_there_is_nothing_begins_an_upload(self, alice, algorithm):
        digest = digest_of(noise(8), algorithm)
        for name in ("alice/never-made", "no such name", "../alice/x", "alice/Upper"):
            assert self.mount(alice, digest, **{"from": name}).status == 202

    def test_mount__private_content_stays_where_it_is(self, alice, source, checked, algorithm):
        source.repository += f"-{algorithm}"
        checked.command("repo", "add", source.repository, "--private", "yes")
        digest = pushed(source, noise(512), algorithm)
        bob = Registry(checked, f"bob/{alice.repository.split('/')[1]}", "bob")
        for query in ({}, {"from": source.repository}):
            assert self.mount(bob, digest, **query).status == 202
        bob.expect(404, "HEAD", f"blobs/{digest}")
        scopes = [
            f"repository:{alice.repository}:pull,push",
            f"repository:{source.repository}:pull",
        ]
        alice.token = token(checked, "alice", scopes)
        answer = self.mount(alice, digest, **{"from": source.repository})
        assert answer.status == 201, answer


@by_algorithm
class TestRange:
    SIZE = 2048

    @pytest.fixture
    def blob(self):
        return noise(self.SIZE)

    @pytest.mark.parametrize(
        "value, first, last",
        [
            ("bytes=500-1499", 500, 1499),
            ("bytes=500-", 500, 2047),
            ("bytes=-500", 1548, 2047),
            ("bytes=2000-5000", 2000, 2047),
            ("bytes=0-0", 0, 0),
            ("bytes=-5000", 0, 2047),
            ("Bytes=2047-", 2047, 2047),
        ],
    )
    def test_range__one_part_is_206(self, alice, algorithm, blob, value, first, last):
        digest = pushed(alice, blob, algorithm)
        answer = alice.blob(digest, Range=value)
        assert answer.status == 206 and answer.body == blob[first : last + 1], answer
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{self.SIZE}"
        assert answer.headers["Content-Length"] == str(last - first + 1)
        assert answer.headers["Docker-Content-Digest"] == digest

    @pytest.mark.parametrize("value", ["bytes=5000-10000", "bytes=2048-", "bytes=-0"])
    def test_range__outside_is_416_with_the_size(self, alice, algorithm, blob, value):
        answer = alice.blob(pushed(alice, blob, algorithm), Range=value)
        assert answer.status == 416, answer
        assert answer.headers["Content-Range"] == f"bytes */{self.SIZE}"
        assert answer.errors()[0][0] == "SIZE_INVALID"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Docker-Content-Digest" not in answer.headers

    @pytest.mark.parametrize("value", ["lines=1-2", "bytes=a-b", "bytes=0-1,4-5", "bytes", ""])
    def test_range__of_another_form_is_ignored(self, alice, algorithm, blob, value):
        answer = alice.blob(pushed(alice, blob, algorithm), Range=value)
        assert answer.status == 200 and answer.body == blob, answer

    def test_range__that_runs_backwards_is_no_success(self, alice, algorithm, blob):
        """RFC 9110 lets a server ignore it; the conformance programme wants 416."""
        answer = alice.blob(pushed(alice, blob, algorithm), Range="bytes=500-0")
        assert answer.status == 416, answer

    def test_range__with_if_range(self, alice, algorithm, blob):
        digest = pushed(alice, blob, algorithm)
        same = alice.blob(digest, **{"Range": "bytes=0-9", "If-Range": f'"{digest}"'})
        other = alice.blob(digest, **{"Range": "bytes=0-9", "If-Range": '"other"'})
        assert (same.status, other.status) == (206, 200)
        assert same.body == blob[:10] and other.body == blob

    def test_range__head_knows_none(self, alice, algorithm, blob):
        digest = pushed(alice, blob, algorithm)
        answer = alice.expect(200, "HEAD", f"blobs/{digest}", headers={"Range": "bytes=0-9"})
        assert answer.headers["Content-Length"] == str(self.SIZE)
        assert answer.headers["Accept-Ranges"] == "bytes"

    def test_range__of_an_empty_blob(self, alice, algorithm):
        digest = pushed(alice, b"", algorithm)
        answer = alice.blob(digest, Range="bytes=0-")
        assert answer.status == 416 and answer.headers["Content-Range"] == "bytes */0"


class TestConditions:
    def test_condition__of_a_blob(self, alice):
        blob = noise(100)
        digest = pushed(alice, blob)
        tag = alice.blob(digest).headers["ETag"]
        assert tag == f'"{digest}"'
        for value in (tag, "*", f"W/{tag}", f'"other", {tag}'):
            for method in ("GET", "HEAD"):
                answer = alice.expect(
                    304, method, f"blobs/{digest}", headers={"If-None-Match": value}
                )
                assert answer.body == b"" and answer.headers["ETag"] == tag
                assert answer.headers["Docker-Content-Digest"] == digest
        assert alice.blob(digest, **{"If-None-Match": '"other"'}).status == 200
        both = alice.blob(digest, **{"If-None-Match": tag, "Range": "bytes=9999-"})
        assert both.status == 304

    def test_condition__public_content_by_digest_may_be_kept_for_ever(self, alice):
        digest = pushed(alice, noise(10))
        assert "immutable" in alice.blob(digest).headers["Cache-Control"]

    def test_condition__private_content_is_for_nobody_else(self, alice, checked):
        checked.command("repo", "add", alice.repository, "--private", "yes")
        digest = pushed(alice, noise(10))
        assert alice.blob(digest).headers["Cache-Control"] == "private, no-store"


def test_blob__answers_the_same_to_nobody_as_to_its_owner(alice, checked):
    blob = noise(100)
    digest = pushed(alice, blob)
    answer = call(checked, "GET", f"/v2/{alice.repository}/blobs/{digest}")
    assert answer.status == 200 and answer.body == blob
    assert answer.headers["Content-Type"] == OCTETS
