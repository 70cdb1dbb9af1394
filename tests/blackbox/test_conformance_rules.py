# SPDX-License-Identifier: Apache-2.0
"""Single sentences of the OCI distribution-spec: names, media types, limits, lists, error bodies.
Whole workflows are in test_conformance.py, uploads in test_conformance_blobs.py."""
import ast
import concurrent.futures
import json
import pathlib
import re

import pytest

from conformance import EXAMPLE, content_of, finish, image, noise, start
from harness.images import (
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Image,
    digest_of,
    document,
    index_of,
)
from harness.registry import Registry, call, challenge_of, token, with_query

ROOT = pathlib.Path(__file__).parents[2]
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MISSING = digest_of(b"nobody has this")
CODES = {
    *("BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID"),
    *("MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID", "MANIFEST_UNKNOWN", "NAME_INVALID"),
    *("NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED", "DENIED", "UNSUPPORTED", "TOOMANYREQUESTS"),
    "TAG_INVALID",  # of Docker, which the specification says that clients may meet
}


@pytest.fixture
def alice(checked, repository):
    return Registry(checked, f"alice/{repository}", "alice")


def put(registry, body, reference, media_type=OCI_MANIFEST):
    headers = {"Content-Type": media_type} if media_type else {}
    return registry.call("PUT", f"manifests/{reference}", body, headers)


def get(registry, path):
    return registry.expect(200, "GET", path)


# --- support, names --------------------------------------------------------------------------


def test_version__is_200_to_who_is_logged_in(checked):
    bearer = {"Authorization": f"Bearer {token(checked, 'alice')}"}
    assert call(checked, "GET", "/v2/", headers=bearer).status == 200
    challenge = challenge_of(call(checked, "GET", "/v2/"))
    assert challenge["realm"].endswith("/token") and challenge["service"] == "berth"


@pytest.mark.parametrize(
    "name", ["a", "0", "a.b", "a_b", "a__b", "a-b", "a---b", "a.b-c__d_e", "manifests", "n" * 200]
)
def test_name__of_the_grammar_is_taken(checked, name):
    registry = Registry(checked, f"alice/{name}", "alice")
    assert get(registry, f"blobs/{registry.push_blob(b'x')}").body == b"x"


@pytest.mark.parametrize(
    "name", ["A", "a..b", "a___b", "a._b", "-a", "a-", ".a", "a_", "ä", "a b", "a+b", "n" * 260]
)
def test_name__outside_the_grammar_is_refused(checked, name):
    quoted = name.replace(" ", "%20").replace("ä", "%C3%A4")
    registry = Registry(checked, f"alice/{quoted}", "alice")
    for method, path in (("POST", "blobs/uploads/"), ("GET", "manifests/x"), ("GET", "tags/list")):
        answer = registry.call(method, path)
        assert answer.status in (400, 404), answer
        assert answer.errors()[0][0] in ("NAME_INVALID", "NAME_UNKNOWN", "UNSUPPORTED")


@pytest.mark.parametrize("tag", ["a", "A", "_", "0", "1.2.3", "a-b_c.D", "x" * 128, "latest"])
def test_tag__of_the_grammar_is_taken(alice, tag):
    picture = alice.push(Image(), tag)
    assert alice.manifest(tag).body == picture.manifest


@pytest.mark.parametrize(
    "tag", [".a", "-a", "a+b", "a%20b", "%C3%A4", "x" * 129, "a:b", "sha256:a"]
)
def test_tag__outside_the_grammar_is_neither_tag_nor_digest(alice, tag):
    picture = alice.push(Image())
    answer = put(alice, picture.manifest, tag)
    assert answer.status in (400, 404) and answer.errors(), answer
    assert alice.manifest(tag).status in (400, 404)


def test_pull__ignores_the_source_host_of_a_proxy(alice):
    picture = alice.push(Image(), "1")
    assert get(alice, "manifests/1?ns=docker.io").body == picture.manifest
    answer = get(alice, f"blobs/{digest_of(picture.config)}?ns=docker.io")
    assert answer.body == picture.config and "OCI-Namespace" not in answer.headers


# --- manifests -------------------------------------------------------------------------------


class TestMediaType:
    def docker_image(self, alice):
        config, layer = document({"os": "linux", "architecture": "amd64"}), noise(100)
        return document(
            {
                "schemaVersion": 2,
                "mediaType": DOCKER_MANIFEST,
                "config": {
                    "mediaType": DOCKER_CONFIG,
                    "digest": alice.push_blob(config),
                    "size": len(config),
                },
                "layers": [
                    {"mediaType": DOCKER_LAYER, "digest": alice.push_blob(layer), "size": 100}
                ],
            }
        )

    def test_media_type__docker_images_and_lists(self, alice):
        body = self.docker_image(alice)
        assert put(alice, body, "image", DOCKER_MANIFEST).status == 201
        child = {
            "mediaType": DOCKER_MANIFEST,
            "digest": digest_of(body),
            "size": len(body),
            "platform": {"os": "linux", "architecture": "amd64"},
        }
        fields = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [child]}
        listed = document(fields)
        assert put(alice, listed, "list", DOCKER_LIST).status == 201
        for tag, content, kind in (("image", body, DOCKER_MANIFEST), ("list", listed, DOCKER_LIST)):
            answer = alice.expect(200, "GET", f"manifests/{tag}", headers={"Accept": kind})
            assert answer.body == content and answer.headers["Content-Type"] == kind

    def test_media_type__parameters_are_ignored_and_not_given(self, alice):
        picture = alice.push(Image())
        assert put(alice, picture.manifest, "p", OCI_MANIFEST + "; charset=utf-8").status == 201
        assert alice.manifest("p").headers["Content-Type"] == OCI_MANIFEST

    def test_media_type__without_the_field_it_is_what_was_declared(self, alice):
        picture = alice.push(Image())
        fields = json.loads(picture.manifest)
        del fields["mediaType"]
        body = document(fields)
        assert put(alice, body, "bare").status == 201
        assert alice.manifest("bare").headers["Content-Type"] == OCI_MANIFEST

    @pytest.mark.parametrize("declared", [OCI_INDEX, DOCKER_MANIFEST, "text/plain", "nonsense"])
    def test_media_type__that_contradicts_the_field_is_refused(self, alice, declared):
        answer = put(alice, alice.push(Image()).manifest, "1", declared)
        assert answer.status == 400 and answer.errors()[0][0] == "MANIFEST_INVALID"

    def test_media_type__old_clients_get_the_image_out_of_an_index(self, alice):
        """By tag only: what is asked for by digest has that digest."""
        picture = alice.push(Image())
        body = index_of(picture)
        alice.push_manifest(body, "both", OCI_INDEX)
        only_images = {"Accept": DOCKER_MANIFEST + ", " + OCI_MANIFEST}
        answer = alice.expect(200, "GET", "manifests/both", headers=only_images)
        assert answer.headers["Docker-Content-Digest"] == picture.digest
        assert digest_of(answer.body) == picture.digest
        path = f"manifests/{digest_of(body)}"
        assert alice.expect(200, "GET", path, headers=only_images).body == body


class TestManifest:
    def test_manifest__comes_back_byte_for_byte(self, alice):
        fields = json.loads(alice.push(Image()).manifest)
        for body in (
            json.dumps(fields, indent=7).encode(),
            b" \r\n\t" + document(fields) + b"\n\n",
            document(dict(reversed(fields.items()))),
            document({**fields, "annotations": {"ä\u2028\U0001f600": "\\u0000\u007f"}}),
        ):
            assert put(alice, body, digest_of(body)).status == 201
            assert alice.manifest(digest_of(body)).body == body

    def test_manifest__up_to_4_mb_and_no_more(self, alice):
        limit = 4 * 1024 * 1024
        body = alice.push(Image()).manifest
        assert put(alice, body + b" " * (limit - len(body)), "most").status == 201
        assert len(alice.manifest("most").body) == limit
        answer = put(alice, body + b" " * (limit - len(body) + 1), "more")
        assert answer.status == 413 and answer.errors()[0][0] == "MANIFEST_INVALID"

    def test_manifest__conditions(self, alice):
        picture = alice.push(Image(), "1")
        for reference in ("1", picture.digest):
            tag = get(alice, f"manifests/{reference}").headers["ETag"]
            assert tag == f'"{picture.digest}"'
            same = {"If-None-Match": tag}
            answer = alice.expect(304, "GET", f"manifests/{reference}", headers=same)
            assert answer.body == b"" and answer.headers["Docker-Content-Digest"] == picture.digest
            other = {"If-None-Match": '"other"'}
            alice.expect(200, "HEAD", f"manifests/{reference}", headers=other)

    def test_manifest__pushed_by_digest_has_no_tag(self, alice):
        picture = Image()
        for blob in picture.blobs:
            alice.push_blob(blob)
        alice.push_manifest(picture.manifest)
        assert get(alice, "tags/list").json() == {"name": alice.repository, "tags": []}

    def test_manifest__tag_moves_to_what_was_pushed_last(self, alice):
        first, second = alice.push(Image(), "1"), alice.push(Image(noise(64)), "1")
        assert alice.manifest("1").body == second.manifest
        assert alice.manifest(first.digest).body == first.manifest

    def test_manifest__pushed_by_tag_under_sha512(self, alice):
        picture = alice.push(Image())
        answer = put(alice, picture.manifest, "long?digest-algorithm=sha512")
        digest = digest_of(picture.manifest, "sha512")
        assert answer.status == 201 and answer.headers["Docker-Content-Digest"] == digest
        assert get(alice, f"manifests/{digest}").body == picture.manifest


def test_blob__two_uploads_at_once_are_both_accepted(alice):
    blob = noise(300000)
    digest, locations = digest_of(blob), [start(alice) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda place: finish(alice, place, digest, blob), locations))
    assert [answer.status for answer in answers] == [201] * 4
    assert alice.blob(digest).body == blob


# --- lists -----------------------------------------------------------------------------------


def next_of(answer):
    """The target of Link, or None."""
    link = answer.headers.get("Link")
    if link is None:
        return None
    match = re.fullmatch(r'<(/[!-;=?-~]+)>; rel="next"', link)
    assert match, link
    return match.group(1)


class TestTags:
    TAGS = sorted(["1", "10", "2", "A", "B", "_x", "a", "a.b", "z-9"])

    @pytest.fixture
    def tagged(self, alice):
        picture = alice.push(Image(), self.TAGS[0])
        query = "&".join(f"tag={tag}" for tag in self.TAGS)
        assert put(alice, picture.manifest, f"{picture.digest}?{query}").status == 201
        return alice

    def test_tags__are_all_there_in_order(self, tagged):
        answer = get(tagged, "tags/list")
        assert answer.json() == {"name": tagged.repository, "tags": self.TAGS}
        assert answer.headers["Content-Type"] == "application/json" and next_of(answer) is None

    @pytest.mark.parametrize("count", [1, 2, 4, 8, 9, 10, 1000, 5000])
    def test_tags__by_number_follow_the_links(self, tagged, count):
        found, path = [], f"tags/list?n={count}"
        while path:
            answer = get(tagged, path)
            page, path = answer.json()["tags"], next_of(answer)
            found += page
            assert len(page) == count or path is None
        assert found == self.TAGS

    def test_tags__none_wanted(self, tagged):
        answer = get(tagged, "tags/list?n=0")
        assert answer.json()["tags"] == [] and "Link" not in answer.headers

    @pytest.mark.parametrize("last", ["", "0", "1", "A", "Bb", "a", "z-9", "zz", "a%20b"])
    def test_tags__from_behind_any_name(self, tagged, last):
        text = last.replace("%20", " ")
        rest = [tag for tag in self.TAGS if tag > text]
        assert get(tagged, f"tags/list?last={last}").json()["tags"] == rest
        assert get(tagged, f"tags/list?n=2&last={last}").json()["tags"] == rest[:2]

    def test_tags__reflect_deletion(self, tagged):
        tagged.expect(202, "DELETE", "manifests/a.b")
        tags = get(tagged, "tags/list").json()["tags"]
        assert tags == [tag for tag in self.TAGS if tag != "a.b"]


class TestReferrers:
    def refer(self, alice, subject, number=0, **fields):
        empty = {"mediaType": OCI_EMPTY, "digest": alice.push_blob(b"{}"), "size": 2}
        body = document(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": empty,
                "layers": [empty],
                "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 9},
                "annotations": {"number": str(number)},
                **fields,
            }
        )
        alice.push_manifest(body)
        return digest_of(body)

    def listed(self, alice, path):
        """Entries of all pages, and the number of pages."""
        entries, pages = [], 0
        while path:
            answer = get(alice, path)
            assert answer.headers["Content-Type"] == OCI_INDEX
            entries, pages, path = entries + answer.json()["manifests"], pages + 1, next_of(answer)
        return entries, pages

    def test_referrers__in_pages_with_a_filter(self, alice):
        kinds = [EXAMPLE + "+json", "application/x-other"]
        pushed = [self.refer(alice, MISSING, i, artifactType=kinds[i % 2]) for i in range(9)]
        entries, pages = self.listed(alice, f"referrers/{MISSING}?n=4")
        assert sorted(entry["digest"] for entry in entries) == sorted(pushed) and pages == 3
        query = with_query(f"referrers/{MISSING}", artifactType=kinds[0], n=2)
        entries, pages = self.listed(alice, query)
        assert sorted(entry["digest"] for entry in entries) == sorted(pushed[::2]) and pages == 3
        assert {entry["artifactType"] for entry in entries} == {kinds[0]}

    def test_referrers__plus_in_a_filter_need_not_be_escaped(self, alice):
        self.refer(alice, MISSING, artifactType="application/x-a+json")
        entries, _ = self.listed(alice, f"referrers/{MISSING}?artifactType=application/x-a+json")
        assert len(entries) == 1

    def test_referrers__more_than_fits_into_one_manifest(self, alice):
        pushed = [
            self.refer(alice, MISSING, i, annotations={"long": str(i) + "x" * 1500000})
            for i in range(4)
        ]
        entries, pages = self.listed(alice, f"referrers/{MISSING}")
        assert sorted(entry["digest"] for entry in entries) == sorted(pushed) and pages > 1

    def test_referrers__type_of_an_image_is_that_of_its_config(self, alice):
        config = document({"os": "linux"})
        described = {
            "mediaType": OCI_CONFIG,
            "digest": alice.push_blob(config),
            "size": len(config),
        }
        self.refer(alice, MISSING, config=described, artifactType="")
        (entry,), _ = self.listed(alice, f"referrers/{MISSING}")
        assert entry["artifactType"] == OCI_CONFIG

    def test_referrers__unknown_type_is_an_empty_index(self, alice):
        self.refer(alice, MISSING)
        answer = get(alice, f"referrers/{MISSING}?artifactType=application/x-none")
        assert answer.json()["manifests"] == []
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"

    @pytest.mark.parametrize("digest", ["latest", "sha256:abc", "sha256:", "md5:" + "0" * 32])
    def test_referrers__of_what_is_no_digest_are_400(self, alice, digest):
        alice.push(Image())
        assert alice.expect(400, "GET", f"referrers/{digest}").errors()[0][0] == "DIGEST_INVALID"

    def test_referrers__come_and_go_whatever_the_order(self, alice):
        """The referrer first, then its subject; both stay what they are."""
        subject = Image(noise(64))
        self.refer(alice, subject.digest)
        alice.push(subject, "1")
        assert len(self.listed(alice, f"referrers/{subject.digest}")[0]) == 1
        alice.expect(202, "DELETE", f"manifests/{subject.digest}")
        assert alice.call("GET", f"referrers/{subject.digest}").status == 200

    def test_referrers__of_old_clients_stand_in_a_tag_as_well(self, alice):
        """An index under sha256-<hex>, kept by clients: to us a tag like any other."""
        referrer = self.refer(alice, MISSING)
        body = index_of()
        alice.push_manifest(body, MISSING.replace(":", "-"), OCI_INDEX)
        assert alice.manifest(MISSING.replace(":", "-")).body == body
        entries, _ = self.listed(alice, f"referrers/{MISSING}")
        assert [entry["digest"] for entry in entries] == [referrer]


# --- errors ----------------------------------------------------------------------------------


def test_error__has_the_form_and_a_code_of_the_specification(alice):
    content = content_of(image)
    alice.push_blob(b"so that the repository exists")
    (body,) = [body for _, body in content.manifests.values()]
    location = with_query(start(alice))
    requests = [
        ("GET", "manifests/none", None, {}),
        ("GET", f"manifests/{MISSING}", None, {}),
        ("GET", f"blobs/{MISSING}", None, {}),
        ("GET", "blobs/sha256:x", None, {}),
        ("GET", "blobs/uploads/0123456789abcdef0123456789abcdef", None, {}),
        ("PUT", "manifests/1", body, {"Content-Type": OCI_MANIFEST}),
        ("PUT", "manifests/1", b"{}", {"Content-Type": OCI_MANIFEST}),
        ("PUT", "manifests/-1", body, {"Content-Type": OCI_MANIFEST}),
        ("PUT", f"manifests/{MISSING}", body, {"Content-Type": OCI_MANIFEST}),
        ("PATCH", location, b"12", {"Content-Range": "5-6"}),
        ("PATCH", location, b"12", {"Content-Range": "0-6"}),
        ("PATCH", location, b"12", {"Content-Range": "nonsense"}),
        ("PUT", with_query(location, digest="x"), b"", {}),
        ("GET", "tags/list?n=nonsense", None, {}),
        ("POST", "tags/list", b"", {}),
        ("POST", "/v2/alice/UPPER/blobs/uploads/", b"", {}),
        ("POST", "/v2/bob/not-mine/blobs/uploads/", b"", {}),
        ("GET", "/v2/bob/never-made/tags/list", None, {}),
        ("GET", "whatever/else", None, {}),
    ]
    for method, path, sent, headers in requests:
        answer = alice.call(method, path, sent, headers)
        assert 400 <= answer.status < 500, f"{method} {path}: {answer}"
        assert answer.headers["Content-Type"] == "application/json"
        assert set(answer.json()) == {"errors"} and answer.json()["errors"]
        for code, message in answer.errors():
            assert code in CODES and message, f"{method} {path}: {answer}"
        assert "Warning" not in answer.headers


# --- the document ----------------------------------------------------------------------------


def names_in(path):
    """Names of the tests of a file, as doc/conformance.md writes them."""
    text = path.read_text()
    if path.suffix == ".c":
        return set(re.findall(r"^static void (test_\w+)\(void \*\*", text, re.MULTILINE))
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {child.name for child in node.body if isinstance(child, ast.FunctionDef)}
    return found


def test_document__names_tests_that_exist():
    text = (ROOT / "doc" / "conformance.md").read_text()
    named = re.findall(r"`([\w/]+\.(?:py|c))::(\w+)`", text)
    assert len(named) > 60
    for path, test in named:
        folder = ROOT / "tests" / ("unit" if path.endswith(".c") else "blackbox")
        assert test in names_in(folder / path), f"doc/conformance.md names {path}::{test}"
