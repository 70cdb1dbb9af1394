# SPDX-License-Identifier: Apache-2.0
"""Whole workflows of the OCI distribution-spec: each kind of content is pushed, listed, looked at,
pulled, asked for its referrers and deleted again.  doc/conformance.md says which sentence of the
specification each test holds."""
import pytest

from conformance import (
    ALGORITHMS,
    KINDS,
    check_blob,
    check_created,
    check_manifest,
    content_of,
    index,
    image,
    push_with_put,
)
from harness.images import OCI_INDEX, OCI_MANIFEST, digest_of
from harness.registry import Registry


@pytest.fixture
def alice(checked, repository):
    return Registry(checked, f"alice/{repository}", "alice")


def push_blobs(registry, content):
    for digest, blob in content.blobs.items():
        check_created(registry, push_with_put(registry, digest, blob), digest, blob)


def put_manifest(registry, content, digest, reference, tags=()):
    media_type, body = content.manifests[digest]
    path = f"manifests/{reference}" + ("?" if tags else "") + "&".join(f"tag={t}" for t in tags)
    answer = registry.call("PUT", path, body, {"Content-Type": media_type})
    check_created(registry, answer, digest, body, f"{OCI_INDEX}, {OCI_MANIFEST}")
    for subject, referrers in content.referrers.items():
        if digest in [entry["digest"] for entry in referrers]:
            assert answer.headers["OCI-Subject"] == subject
    return answer


def push(registry, content):
    push_blobs(registry, content)
    for digest in content.manifests:
        put_manifest(registry, content, digest, digest)
    for tag, digest in content.tags.items():
        put_manifest(registry, content, digest, tag)


def check_list(registry, content):
    tags = registry.expect(200, "GET", "tags/list").json()["tags"]
    assert set(content.tags) <= set(tags) and tags == sorted(tags)
    last = tags[len(tags) // 2 - 1] if len(tags) > 1 else None
    if last:
        rest = registry.expect(200, "GET", f"tags/list?last={last}").json()["tags"]
        assert rest == [tag for tag in tags if tag > last]


def check_content(registry, content):
    for tag, digest in content.tags.items():
        check_manifest(registry, tag, digest, *content.manifests[digest])
    for digest, (media_type, body) in content.manifests.items():
        check_manifest(registry, digest, digest, media_type, body)
    for digest, blob in content.blobs.items():
        check_blob(registry, digest, blob)


def referrers_of(registry, subject, query=""):
    answer = registry.expect(200, "GET", f"referrers/{subject}{query}")
    assert answer.headers["Content-Type"] == OCI_INDEX
    listed = answer.json()
    assert listed["schemaVersion"] == 2 and listed["mediaType"] == OCI_INDEX
    return answer, sorted(listed["manifests"], key=lambda entry: entry["digest"])


def check_referrers(registry, content):
    for subject, wanted in content.referrers.items():
        wanted = sorted(wanted, key=lambda entry: entry["digest"])
        answer, listed = referrers_of(registry, subject)
        assert listed == wanted and "OCI-Filters-Applied" not in answer.headers
        for kind in {entry.get("artifactType") for entry in wanted} - {None}:
            answer, listed = referrers_of(registry, subject, f"?artifactType={kind}")
            assert answer.headers["OCI-Filters-Applied"] == "artifactType"
            assert listed == [entry for entry in wanted if entry.get("artifactType") == kind]


def check_delete(registry, content):
    """Tags, then manifests from the outside in, then blobs; each is gone at once.

    But blobs of manifests that were tagged stay as long as the history of the tag can bring them
    back: 405, which the specification knows for what cannot be deleted."""
    for tag in content.tags:
        registry.expect(202, "DELETE", f"manifests/{tag}")
        registry.expect(404, "HEAD", f"manifests/{tag}")
    for digest in reversed(content.manifests):
        registry.expect(202, "DELETE", f"manifests/{digest}")
        registry.expect(404, "HEAD", f"manifests/{digest}")
    for digest in content.blobs:
        answer = registry.call("DELETE", f"blobs/{digest}")
        if content.tags and answer.status == 405:
            assert "history of a tag" in answer.errors()[0][1]
            continue
        assert answer.status == 202, answer
        registry.expect(404, "HEAD", f"blobs/{digest}")


def run_workflow(registry, content):
    push(registry, content)
    check_list(registry, content)
    check_content(registry, content)
    check_referrers(registry, content)
    check_delete(registry, content)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_workflow__of_each_kind_of_content(alice, kind):
    run_workflow(alice, content_of(kind))


@pytest.mark.parametrize("kind", [image, index], ids=lambda kind: kind.__name__)
def test_workflow__by_sha512(alice, kind):
    content = content_of(kind, "sha512")
    content.tags.clear()  # a tag would be of sha256
    run_workflow(alice, content)


def test_workflow__one_kind_after_another_in_one_repository(alice):
    """What an earlier kind leaves behind (leases, hidden manifests) must not disturb a later."""
    for kind in KINDS:
        if kind.__name__ != "manifest_of_almost_4_mb":
            run_workflow(alice, content_of(kind))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tag_parameters__make_all_tags_at_once(alice, algorithm):
    content = content_of(index, algorithm)
    push_blobs(alice, content)
    content.tags.clear()
    for number, digest in enumerate(content.manifests):
        tags = [f"{algorithm}-{number}-{letter}" for letter in "abcdefghij"]
        answer = put_manifest(alice, content, digest, digest, tags)
        told = [
            tag.strip() for line in answer.headers.get_all("OCI-Tag") for tag in line.split(",")
        ]
        assert sorted(told) == tags
        content.tags.update({tag: digest for tag in tags})
    check_list(alice, content)
    check_content(alice, content)
    check_delete(alice, content)


def test_tag_parameters__too_many_are_refused(alice):
    content = content_of(image)
    push_blobs(alice, content)
    (digest,) = content.manifests
    media_type, body = content.manifests[digest]
    query = "&".join(f"tag=t{number}" for number in range(17))
    answer = alice.call("PUT", f"manifests/{digest}?{query}", body, {"Content-Type": media_type})
    assert answer.status == 414 and answer.errors()
    alice.expect(404, "GET", f"manifests/{digest}")


def test_tag_parameters__one_bad_tag_refuses_all(alice):
    content = content_of(image)
    push_blobs(alice, content)
    (digest,) = content.manifests
    media_type, body = content.manifests[digest]
    answer = alice.call(
        "PUT", f"manifests/{digest}?tag=good&tag=-bad", body, {"Content-Type": media_type}
    )
    assert answer.status == 400 and "OCI-Tag" not in answer.headers
    alice.expect(404, "GET", "manifests/good")


class TestEmptyRepository:
    """Before anything was pushed, to whom could push."""

    def test_empty__tags_are_a_list_or_unknown(self, alice):
        answer = alice.call("GET", "tags/list")
        assert answer.status in (200, 404), answer

    def test_empty__referrers_are_an_empty_index(self, alice):
        _, listed = referrers_of(alice, digest_of(b"nobody refers to this"))
        assert listed == []

    def test_empty__referrers_of_what_one_may_not_see_stay_hidden(self, checked, repository):
        stranger = Registry(checked, f"alice/{repository}", "bob")
        answer = stranger.call("GET", f"referrers/{digest_of(b'x')}")
        assert answer.status in (401, 404), answer

    @pytest.mark.parametrize(
        "path", ["manifests/latest", f"manifests/{digest_of(b'x')}", f"blobs/{digest_of(b'x')}"]
    )
    def test_empty__content_is_404(self, alice, path):
        for method in ("GET", "HEAD"):
            alice.expect(404, method, path)

    def test_empty__delete_is_404(self, alice):
        alice.expect(404, "DELETE", f"manifests/{digest_of(b'x')}")
        alice.expect(404, "DELETE", f"blobs/{digest_of(b'x')}")


class TestManifestErrors:
    def test_manifest__missing_is_404(self, alice):
        push(alice, content_of(image))
        for reference in (digest_of(b"missing"), "missing-tag"):
            answer = alice.expect(404, "GET", f"manifests/{reference}")
            assert answer.errors()[0][0] == "MANIFEST_UNKNOWN"

    def test_manifest__bytes_of_another_digest_are_refused(self, alice):
        content = content_of(image)
        push_blobs(alice, content)
        (digest,) = content.manifests
        media_type, body = content.manifests[digest]
        answer = alice.expect(
            400, "PUT", f"manifests/{digest}", body + b"  ", {"Content-Type": media_type}
        )
        assert answer.errors()[0][0] == "DIGEST_INVALID"
        alice.expect(404, "HEAD", f"manifests/{digest}")

    @pytest.mark.parametrize(
        "digest", ["sha256:baddigeststring", "sha256:" + "A" * 64, "md5:" + "a" * 32, "sha256:"]
    )
    def test_manifest__digest_that_is_none_is_refused(self, alice, digest):
        content = content_of(image)
        push_blobs(alice, content)
        media_type, body = next(iter(content.manifests.values()))
        answer = alice.expect(400, "PUT", f"manifests/{digest}", body, {"Content-Type": media_type})
        assert answer.errors()[0][0] == "DIGEST_INVALID"
        assert alice.call("GET", f"manifests/{digest}").status in (400, 404)

    def test_manifest__of_missing_blobs_names_them(self, alice):
        content = content_of(image)
        push_blobs(alice, content_of(image))
        media_type, body = next(iter(content.manifests.values()))
        answer = alice.expect(404, "PUT", "manifests/1", body, {"Content-Type": media_type})
        code, message = answer.errors()[0]
        assert code == "MANIFEST_BLOB_UNKNOWN"
        assert any(digest in message for digest in content.blobs)

    @pytest.mark.parametrize("body", [b"blablabla", b"", b"null", b'{"schemaVersion":2}'])
    def test_manifest__nonsense_has_an_error_of_the_right_form(self, alice, body):
        answer = alice.expect(400, "PUT", "manifests/sometag", body, {"Content-Type": OCI_MANIFEST})
        assert answer.errors()[0][0] == "MANIFEST_INVALID"


class TestDelete:
    def test_delete__manifest_takes_its_tags(self, alice):
        content = content_of(image)
        push(alice, content)
        (digest,) = content.manifests
        put_manifest(alice, content, digest, "another")
        alice.expect(202, "DELETE", f"manifests/{digest}")
        assert alice.expect(200, "GET", "tags/list").json()["tags"] == []
        for reference in (digest, "image", "another"):
            alice.expect(404, "GET", f"manifests/{reference}")

    def test_delete__tag_leaves_manifest_and_other_tags(self, alice):
        content = content_of(image)
        push(alice, content)
        (digest,) = content.manifests
        put_manifest(alice, content, digest, "another")
        alice.expect(202, "DELETE", "manifests/image")
        assert alice.expect(200, "GET", "tags/list").json()["tags"] == ["another"]
        check_manifest(alice, digest, digest, *content.manifests[digest])

    def test_delete__what_is_in_use_says_by_whom(self, alice):
        """A blob of a manifest, and a child of an index: deletion is off for these (405)."""
        content = content_of(index)
        push(alice, content)
        child, _, parent = content.manifests
        blob = next(iter(content.blobs))
        for path, user in ((f"manifests/{child}", parent), (f"blobs/{blob}", "manifest sha256:")):
            answer = alice.expect(405, "DELETE", path)
            assert answer.errors()[0][0] == "UNSUPPORTED" and user in answer.errors()[0][1]
            assert answer.headers["Allow"] == "GET, HEAD"
        check_content(alice, content)

    def test_delete__referrer_leaves_the_list(self, alice):
        content = content_of(KINDS[11])
        push(alice, content)
        (subject,) = content.referrers
        gone = content.referrers[subject].pop()["digest"]
        alice.expect(202, "DELETE", f"manifests/{gone}")
        check_referrers(alice, content)

    def test_delete__twice_is_404(self, alice):
        content = content_of(image)
        content.tags.clear()
        push(alice, content)
        (digest,) = content.manifests
        for status in (202, 404):
            alice.expect(status, "DELETE", f"manifests/{digest}")
        for status in (202, 404):
            alice.expect(status, "DELETE", f"blobs/{next(iter(content.blobs))}")

    @pytest.mark.parametrize("has_tags", [False, True])
    def test_delete__then_push_again(self, alice, has_tags):
        content = content_of(image)
        if not has_tags:
            content.tags.clear()
        for _ in range(2):
            push(alice, content)
            check_content(alice, content)
            check_delete(alice, content)
