# SPDX-License-Identifier: Apache-2.0
"""The OCI distribution protocol by hand: uploads in pieces, ranges, mounts, deletes, referrers,
pages."""
import pytest

from harness.images import (
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Image,
    descriptor,
    digest_of,
    document,
    index_of,
    layer_tar,
)
from harness.registry import Registry, call, token, with_query

BLOB = bytes(range(256)) * 4096  # 1 MB
MISSING = "sha256:" + "0" * 64


@pytest.fixture
def alice(checked, repository):
    return Registry(checked, f"alice/{repository}", "alice")


@pytest.fixture
def image(alice):
    return alice.push(Image(layer_tar({"of": alice.repository.encode()})), "1.0")


@pytest.mark.route("GET /v2/")
def test_version__asks_nobody_to_log_in(checked):
    answer = call(checked, "GET", "/v2/")
    assert answer.status == 401
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert f'realm="{checked.url}/token"' in answer.headers["WWW-Authenticate"]
    assert answer.errors()[0][0] == "UNAUTHORIZED"


def test_version__known_people_get_200(checked):
    bearer = {"Authorization": f"Bearer {token(checked, 'alice')}"}
    assert call(checked, "GET", "/v2/", headers=bearer).status == 200


class TestUpload:
    @pytest.mark.route("POST /v2/{repository}/blobs/uploads/")
    def test_upload__in_one_request(self, alice):
        answer = alice.expect(
            201,
            "POST",
            f"blobs/uploads/?digest={digest_of(b'one')}",
            b"one",
            {"Content-Type": "application/octet-stream"},
        )
        assert answer.headers["Docker-Content-Digest"] == digest_of(b"one")
        assert alice.blob(digest_of(b"one")).body == b"one"

    @pytest.mark.route("PATCH /v2/{repository}/blobs/uploads/{session}")
    @pytest.mark.route("PUT /v2/{repository}/blobs/uploads/{session}")
    @pytest.mark.route("GET /v2/{repository}/blobs/uploads/{session}")
    def test_upload__in_pieces_with_ranges(self, alice):
        location, step = alice.start_upload(), len(BLOB) // 4
        for first in range(0, len(BLOB), step):
            piece = BLOB[first : first + step]
            answer = alice.expect(
                202,
                "PATCH",
                with_query(location),
                piece,
                {
                    "Content-Range": f"{first}-{first + len(piece) - 1}",
                    "Content-Type": "application/octet-stream",
                },
            )
            location = answer.headers["Location"]
            assert answer.headers["Range"] == f"0-{first + len(piece) - 1}"
            status = alice.expect(204, "GET", with_query(location))
            assert status.headers["Range"] == answer.headers["Range"]
        alice.expect(201, "PUT", with_query(location, digest=digest_of(BLOB)))
        assert alice.blob(digest_of(BLOB)).body == BLOB

    def test_upload__streamed_without_a_length(self, alice):
        location = alice.start_upload()
        pieces = (BLOB[i : i + 10000] for i in range(0, len(BLOB), 10000))
        location = alice.expect(202, "PATCH", with_query(location), pieces).headers["Location"]
        alice.expect(201, "PUT", with_query(location, digest=digest_of(BLOB)))

    def test_upload__piece_out_of_order_tells_where_to_go_on(self, alice):
        location = alice.start_upload()
        location = alice.expect(
            202, "PATCH", with_query(location), b"12345", {"Content-Range": "0-4"}
        ).headers["Location"]
        answer = alice.expect(416, "PATCH", with_query(location), b"90", {"Content-Range": "8-9"})
        assert answer.headers["Range"] == "0-4"

    def test_upload__wrong_digest_is_refused(self, alice):
        answer = alice.expect(
            400, "PUT", with_query(alice.start_upload(), digest=MISSING), b"other"
        )
        assert answer.errors()[0][0] == "DIGEST_INVALID"
        alice.expect(404, "GET", f"blobs/{digest_of(b'other')}")

    def test_upload__sha512(self, alice):
        digest = digest_of(b"long digest", "sha512")
        alice.expect(201, "PUT", with_query(alice.start_upload(), digest=digest), b"long digest")
        assert alice.blob(digest).body == b"long digest"

    @pytest.mark.route("DELETE /v2/{repository}/blobs/uploads/{session}")
    def test_upload__cancelled_is_gone(self, alice):
        location = with_query(alice.start_upload())
        alice.expect(204, "DELETE", location)
        assert alice.expect(404, "GET", location).errors()[0][0] == "BLOB_UPLOAD_UNKNOWN"

    def test_upload__session_is_of_one_repository_and_one_account(self, alice, checked):
        location = with_query(alice.start_upload())
        elsewhere = Registry(checked, "alice/another", "alice")
        elsewhere.start_upload()
        elsewhere.expect(404, "GET", location.replace(alice.repository, "alice/another"))
        from harness.server import ADMINISTRATOR

        Registry(checked, alice.repository, ADMINISTRATOR).expect(404, "GET", location)

    def test_upload__mount_from_a_readable_repository(self, alice, checked):
        digest = alice.push_blob(b"to be mounted")
        other = Registry(checked, "bob/mounts", "bob")
        other.token = token(
            checked,
            "bob",
            ["repository:bob/mounts:pull,push", f"repository:{alice.repository}:pull"],
        )
        query = f"blobs/uploads/?mount={digest}&from={alice.repository}"
        assert other.expect(201, "POST", query).headers["Docker-Content-Digest"] == digest
        assert other.blob(digest).body == b"to be mounted"

    def test_upload__mount_from_a_private_repository_is_an_upload(self, alice, checked):
        checked.command("repo", "add", alice.repository, "--private", "yes")
        digest = alice.push_blob(b"private bytes")
        other = Registry(checked, "bob/curious", "bob")
        other.expect(202, "POST", f"blobs/uploads/?mount={digest}&from={alice.repository}")
        other.expect(404, "GET", f"blobs/{digest}")


class TestBlob:
    @pytest.mark.route("GET /v2/{repository}/blobs/{digest}")
    def test_blob__head_and_get_agree(self, alice):
        digest = alice.push_blob(BLOB)
        head, get = alice.expect(200, "HEAD", f"blobs/{digest}"), alice.blob(digest)
        assert head.body == b"" and get.body == BLOB
        for name in ("Content-Length", "Docker-Content-Digest", "Content-Type"):
            assert head.headers[name] == get.headers[name]

    @pytest.mark.parametrize(
        "header, first, last",
        [
            ("bytes=0-9", 0, 9),
            ("bytes=1000-", 1000, len(BLOB) - 1),
            ("bytes=-5", len(BLOB) - 5, len(BLOB) - 1),
            ("bytes=10-99999999", 10, len(BLOB) - 1),
        ],
    )
    def test_blob__ranges(self, alice, header, first, last):
        answer = alice.blob(alice.push_blob(BLOB), Range=header)
        assert answer.status == 206 and answer.body == BLOB[first : last + 1]
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(BLOB)}"

    def test_blob__range_behind_the_end(self, alice):
        answer = alice.blob(alice.push_blob(BLOB), Range=f"bytes={len(BLOB)}-")
        assert answer.status == 416 and answer.headers["Content-Range"] == f"bytes */{len(BLOB)}"

    def test_blob__missing(self, alice):
        alice.push_blob(b"so that the repository exists")
        assert alice.blob(MISSING).errors()[0][0] == "BLOB_UNKNOWN"

    def test_blob__of_another_repository_is_missing(self, alice, checked):
        digest = alice.push_blob(b"only in one repository")
        other = Registry(checked, "bob/other-blobs", "bob")
        other.push_blob(b"something")
        other.expect(404, "GET", f"blobs/{digest}")

    @pytest.mark.route("DELETE /v2/{repository}/blobs/{digest}")
    def test_blob__deleted_only_when_unused(self, alice, image):
        answer = alice.call("DELETE", f"blobs/{digest_of(image.config)}")
        assert 400 <= answer.status < 500 and answer.errors()[0][1]
        digest = alice.push_blob(b"never used")
        alice.expect(202, "DELETE", f"blobs/{digest}")
        alice.expect(404, "GET", f"blobs/{digest}")


class TestManifest:
    @pytest.mark.route("PUT /v2/{repository}/manifests/{reference}")
    @pytest.mark.route("GET /v2/{repository}/manifests/{reference}")
    def test_manifest__comes_back_byte_for_byte(self, alice, image):
        for reference in ("1.0", image.digest):
            answer = alice.manifest(reference)
            assert answer.body == image.manifest
            assert answer.headers["Content-Type"] == OCI_MANIFEST
            assert answer.headers["Docker-Content-Digest"] == image.digest
            head = alice.expect(200, "HEAD", f"manifests/{reference}")
            assert head.headers["Content-Length"] == str(len(image.manifest))

    def test_manifest__with_a_missing_layer_names_it(self, alice):
        image = Image(b"never pushed")
        alice.push_blob(image.config)
        answer = alice.expect(
            404, "PUT", "manifests/1", image.manifest, {"Content-Type": OCI_MANIFEST}
        )
        code, message = answer.errors()[0]
        assert code == "MANIFEST_BLOB_UNKNOWN" and digest_of(image.layers[0]) in message

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"{}",
            b'{"schemaVersion":1}',
            b'{"schemaVersion":2,"layers":3}',
            b"[" * 100000,
        ],
    )
    def test_manifest__broken_ones_are_refused(self, alice, body):
        answer = alice.expect(400, "PUT", "manifests/1", body, {"Content-Type": OCI_MANIFEST})
        assert answer.errors()[0][0] == "MANIFEST_INVALID"

    def test_manifest__too_large_is_refused(self, alice):
        alice.token = token(alice.berth, "alice", f"repository:{alice.repository}:pull,push")
        answer = alice.call(
            "PUT", "manifests/1", b" " * (4 * 1024 * 1024 + 1), {"Content-Type": OCI_MANIFEST}
        )
        assert answer.status == 413

    def test_manifest__under_a_wrong_digest_is_refused(self, alice, image):
        answer = alice.expect(
            400, "PUT", f"manifests/{MISSING}", image.manifest, {"Content-Type": OCI_MANIFEST}
        )
        assert answer.errors()[0][0] == "DIGEST_INVALID"

    @pytest.mark.parametrize("reference", ["..", "-x", "a" * 129, "%C3%A4"])
    def test_manifest__bad_tags_are_refused(self, alice, image, reference):
        answer = alice.call(
            "PUT", f"manifests/{reference}", image.manifest, {"Content-Type": OCI_MANIFEST}
        )
        assert 400 <= answer.status < 500

    @pytest.mark.route("DELETE /v2/{repository}/manifests/{reference}")
    def test_manifest__delete_by_tag_keeps_the_content(self, alice, image):
        alice.push_manifest(image.manifest, "2.0")
        alice.expect(202, "DELETE", "manifests/1.0")
        assert alice.manifest("1.0").errors()[0][0] == "MANIFEST_UNKNOWN"
        assert alice.manifest("2.0").body == image.manifest

    def test_manifest__delete_by_digest_takes_its_tags(self, alice, image):
        alice.push_manifest(image.manifest, "2.0")
        alice.expect(202, "DELETE", f"manifests/{image.digest}")
        for reference in ("1.0", "2.0", image.digest):
            assert alice.manifest(reference).status == 404

    def test_manifest__child_of_an_index_is_not_deleted(self, alice, image):
        alice.push_manifest(index_of(image), "both", OCI_INDEX)
        answer = alice.call("DELETE", f"manifests/{image.digest}")
        assert answer.status in (403, 405, 409) and "index" in answer.errors()[0][1]

    def test_manifest__is_immutable_to_caches_by_digest_only(self, alice, image):
        assert "immutable" in alice.manifest(image.digest).headers["Cache-Control"]
        assert "immutable" not in alice.manifest("1.0").headers.get("Cache-Control", "")


class TestReferrers:
    @pytest.mark.route("GET /v2/{repository}/referrers/{digest}")
    def test_referrers__lists_what_has_the_subject(self, alice, image):
        empty = alice.push_blob(b"{}")
        signatures = []
        for kind in ("signature", "sbom"):
            body = document(
                {
                    "schemaVersion": 2,
                    "mediaType": OCI_MANIFEST,
                    "artifactType": f"application/x-{kind}",
                    "config": {"mediaType": OCI_EMPTY, "digest": empty, "size": 2},
                    "layers": [{"mediaType": OCI_EMPTY, "digest": empty, "size": 2}],
                    "subject": descriptor(OCI_MANIFEST, image.manifest),
                    "annotations": {"kind": kind},
                }
            )
            answer = alice.push_manifest(body)
            assert answer.headers["OCI-Subject"] == image.digest
            signatures.append(body)
        listed = alice.expect(200, "GET", f"referrers/{image.digest}")
        assert listed.headers["Content-Type"] == OCI_INDEX
        entries = {entry["digest"]: entry for entry in listed.json()["manifests"]}
        assert set(entries) == {digest_of(body) for body in signatures}
        assert entries[digest_of(signatures[1])]["annotations"] == {"kind": "sbom"}

        filtered = alice.expect(
            200, "GET", f"referrers/{image.digest}?artifactType=application/x-sbom"
        )
        assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
        assert [entry["artifactType"] for entry in filtered.json()["manifests"]] == [
            "application/x-sbom"
        ]

    def test_referrers__of_nothing_is_an_empty_index(self, alice, image):
        assert alice.expect(200, "GET", f"referrers/{MISSING}").json()["manifests"] == []


def follow(registry, path, key):
    """All entries of a list, page by page as the Link headers lead."""
    entries = []
    while path:
        answer = registry.expect(200, "GET", path)
        entries.append(answer.json()[key])
        link = answer.headers.get("Link")
        path = with_query(link[link.index("<") + 1 : link.index(">")]) if link else None
    return entries


class TestLists:
    @pytest.mark.route("GET /v2/{repository}/tags/list")
    def test_tags__page_by_page(self, alice, image):
        tags = sorted(["1.0", *(f"t{number:02}" for number in range(7)), "Upper"])
        for tag in tags:
            alice.push_manifest(image.manifest, tag)
        pages = follow(alice, "tags/list?n=3", "tags")
        assert sum(pages, []) == tags and [len(page) for page in pages] == [3, 3, 3]
        assert alice.expect(200, "GET", "tags/list").json() == {
            "name": alice.repository,
            "tags": tags,
        }

    @pytest.mark.parametrize("query", ["n=-1", "n=x", "n=99999999999999999999"])
    def test_tags__nonsense_page_sizes_are_refused(self, alice, image, query):
        assert (
            alice.expect(400, "GET", f"tags/list?{query}").errors()[0][0]
            == "UNSUPPORTED"
        )

    @pytest.mark.route("GET /v2/_catalog")
    def test_catalog__shows_each_what_he_may_see(self, alice, image, checked):
        checked.command("repo", "add", "alice/catalog-secret", "--private", "yes")
        seen = {}
        for name in ("alice", "bob"):
            registry = Registry(checked, "", name)
            seen[name] = sum(follow(registry, "/v2/_catalog?n=5", "repositories"), [])
            assert seen[name] == sorted(seen[name])
        assert alice.repository in seen["alice"] and alice.repository in seen["bob"]
        assert "alice/catalog-secret" in seen["alice"]
        assert "alice/catalog-secret" not in seen["bob"]


class TestArtifacts:
    def test_artifact__helm_chart(self, alice):
        config, chart = document({"name": "shop", "version": "1.2.3"}), layer_tar(
            {"Chart.yaml": b"x"}
        )
        manifest = document(
            {
                "schemaVersion": 2,
                "config": {
                    "mediaType": "application/vnd.cncf.helm.config.v1+json",
                    "digest": alice.push_blob(config),
                    "size": len(config),
                },
                "layers": [
                    {
                        "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                        "digest": alice.push_blob(chart),
                        "size": len(chart),
                    }
                ],
            }
        )
        alice.push_manifest(manifest, "1.2.3")
        assert alice.manifest("1.2.3").body == manifest

    def test_index__of_children_that_are_elsewhere(self, alice):
        body = index_of(Image(b"never pushed"))
        alice.push_manifest(body, "sparse", OCI_INDEX)
        assert alice.manifest("sparse").headers["Content-Type"] == OCI_INDEX
