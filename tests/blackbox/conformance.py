# SPDX-License-Identifier: Apache-2.0
"""What the tests of conformance push: kinds of content, ways to push a blob, and what must be true
of everything that was pushed.

The kinds and the order of the requests are those that the OCI distribution-spec's own conformance
programme asks for, with everything switched on that its `dev` mode knows.
"""
import hashlib
import random

from harness.images import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, digest_of, document
from harness.registry import with_query

OCTETS = "application/octet-stream"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = LAYER + "+gzip"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
EXAMPLE = "application/vnd.example.oci.conformance.v1"
EXAMPLE_OTHER = "application/vnd.example.oci.conformance.v2"
PLATFORMS = [{"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}]
ALGORITHMS = ("sha256", "sha512")

dice = random.Random()


def noise(size):
    """A blob that nobody has pushed before."""
    return dice.randbytes(size)


class Content:
    """Blobs and manifests that belong together, in the order in which they must be pushed."""

    def __init__(self, algorithm="sha256"):
        self.algorithm = algorithm
        self.blobs = {}  # digest: bytes
        self.manifests = {}  # digest: (media type, bytes)
        self.tags = {}  # tag: digest
        self.referrers = {}  # digest of the subject: descriptors as the registry must list them

    def blob(self, content, media_type=OCTETS, **fields):
        """The descriptor of a blob that is pushed."""
        digest = digest_of(content, self.algorithm)
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content), **fields}

    def put(self, media_type, fields, tag=None, artifact_type=None):
        """The descriptor of a manifest that is pushed."""
        body = document({"schemaVersion": 2, "mediaType": media_type, **fields})
        digest = digest_of(body, self.algorithm)
        self.manifests[digest] = (media_type, body)
        if tag:
            self.tags[tag] = digest
        found = {"mediaType": media_type, "digest": digest, "size": len(body)}
        if "subject" in fields:
            listed = dict(found)
            if artifact_type:
                listed["artifactType"] = artifact_type
            if "annotations" in fields:
                listed["annotations"] = fields["annotations"]
            self.referrers.setdefault(fields["subject"]["digest"], []).append(listed)
        return found

    def image(self, tag=None, layers=2, media_type=LAYER_GZIP, platform=None, **fields):
        """An image with layers of its own."""
        listed = [self.blob(noise(500), media_type) for _ in range(layers)]
        config = document(
            {
                **(platform or PLATFORMS[0]),
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in listed]},
                "note": noise(8).hex(),
            }
        )
        return self.put(
            OCI_MANIFEST,
            {"config": self.blob(config, OCI_CONFIG), "layers": listed, **fields},
            tag,
            fields.get("artifactType", OCI_CONFIG),
        )

    def artifact(self, tag=None, kind=EXAMPLE, layer=None, **fields):
        """Something that is no image: an empty config, and a layer of any media type."""
        empty = self.blob(b"{}", OCI_EMPTY)
        layer = layer or self.blob(noise(500), kind)
        fields = {"artifactType": kind, "config": empty, "layers": [layer], **fields}
        return self.put(OCI_MANIFEST, fields, tag, kind)

    def index(self, children, tag=None, platforms=None, **fields):
        listed = [
            {**child, **({"platform": platforms[i]} if platforms else {})}
            for i, child in enumerate(children)
        ]
        return self.put(OCI_INDEX, {"manifests": listed, **fields}, tag, fields.get("artifactType"))

    def platforms(self, tag=None, **fields):
        """An index of one image for each platform."""
        images = [self.image(platform=platform) for platform in PLATFORMS]
        return self.index(images, tag, PLATFORMS, **fields)


# --- kinds of content ------------------------------------------------------------------------


def image(content):
    content.image("image")


def image_of_plain_layers(content):
    content.image("plain", media_type=LAYER)


def image_without_layers(content):
    content.image("no-layers", layers=0)


def manifest_of_almost_4_mb(content):
    texts = {f"large-annotation-{number}": "A" * 10000 for number in range(390)}
    content.image("large-manifest", annotations=texts)


def index(content):
    content.platforms("index")


def nested_index(content):
    content.index([content.platforms(), content.platforms()], "index-of-index")


def empty_index(content):
    content.index([], "index")


def sparse_index(content):
    """Of its two children one is not in the repository."""
    missing = {"mediaType": OCI_MANIFEST, "digest": digest_of(noise(64)), "size": 1024}
    content.index([content.image(), missing], "sparse-index", PLATFORMS)


def artifact(content):
    content.artifact("artifact")


def artifact_without_content(content):
    content.artifact("bare", layer=content.blob(b"{}", OCI_EMPTY))


def artifact_index(content):
    content.index(
        [content.artifact(), content.artifact()], "artifact-index", PLATFORMS, artifactType=EXAMPLE
    )


def artifacts_with_subject(content):
    subject = content.image("image")
    content.image(subject=subject)
    for number, kind in enumerate((EXAMPLE, EXAMPLE_OTHER), 1):
        content.artifact(
            f"tagged-artifact{number}",
            kind,
            subject=subject,
            annotations={"org.opencontainers.conformance": "hello", noise(8).hex(): "only here"},
        )


def index_with_subject(content):
    subject = content.platforms("index")
    content.index(
        [content.artifact()],
        "tagged-artifact",
        artifactType=EXAMPLE,
        subject=subject,
        annotations={"org.opencontainers.conformance": "hello", noise(8).hex(): "only here"},
    )
    content.index([content.artifact()], subject=subject)


def subject_that_is_missing(content):
    missing = {"mediaType": OCI_MANIFEST, "digest": digest_of(noise(64)), "size": 123}
    content.artifact("tagged-artifact", subject=missing, annotations={"note": "left alone"})


def data_in_descriptors(content):
    layer = content.blob(b"hello", EXAMPLE, data="aGVsbG8=")
    empty = content.blob(b"{}", OCI_EMPTY, data="e30=")
    content.artifact("data-field", layer=layer, config=empty)


def layers_that_are_elsewhere(content):
    """Layers that must not be distributed need not be pushed."""
    foreign = [
        {
            "mediaType": media_type,
            "digest": digest_of(noise(64)),
            "size": 123456,
            "urls": ["https://store.example.com/blobs/1"],
        }
        for media_type in (FOREIGN, FOREIGN + "+gzip")
    ]
    layer, config = content.blob(noise(500), LAYER_GZIP), content.blob(
        b'{"os":"linux"}', OCI_CONFIG
    )
    fields = {"config": config, "layers": [*foreign, layer]}
    content.put(OCI_MANIFEST, fields, "non-distributable")


def fields_that_nobody_knows(content):
    custom = {f"org.{noise(8).hex()}": noise(8).hex()}
    images = [content.image(platform=platform, **custom) for platform in PLATFORMS]
    content.index(images, "custom-fields", PLATFORMS, **custom)


KINDS = [
    image,
    image_of_plain_layers,
    image_without_layers,
    manifest_of_almost_4_mb,
    index,
    nested_index,
    empty_index,
    sparse_index,
    artifact,
    artifact_without_content,
    artifact_index,
    artifacts_with_subject,
    index_with_subject,
    subject_that_is_missing,
    data_in_descriptors,
    layers_that_are_elsewhere,
    fields_that_nobody_knows,
]


def content_of(kind, algorithm="sha256"):
    content = Content(algorithm)
    kind(content)
    return content


# --- ways to push a blob ---------------------------------------------------------------------
# Each returns the last answer: 201, or the refusal of the request that brought the digest.


def start(registry, **query):
    answer = registry.expect(
        202, "POST", with_query("blobs/uploads/", **query), b"", {"Content-Length": "0"}
    )
    return answer.headers["Location"]


def finish(registry, location, digest, body=b"", **headers):
    return registry.call(
        "PUT", with_query(location, digest=digest), body, {"Content-Type": OCTETS, **headers}
    )


def push_in_one_request(registry, digest, blob):
    path = with_query("blobs/uploads/", digest=digest)
    return registry.call("POST", path, blob, {"Content-Type": OCTETS})


def push_with_put(registry, digest, blob):
    return finish(registry, start(registry), digest, blob)


def push_as_stream(registry, digest, blob):
    pieces = (blob[first : first + 700] for first in range(0, len(blob), 700))
    answer = registry.expect(
        202, "PATCH", with_query(start(registry)), pieces, {"Content-Type": OCTETS}
    )
    return finish(registry, answer.headers["Location"], digest)


def chunk_headers(first, chunk):
    return {"Content-Type": OCTETS, "Content-Range": f"{first}-{first + len(chunk) - 1}"}


def chunks_of(blob, count=3):
    size = len(blob) // count + 1
    return [(first, blob[first : first + size]) for first in range(0, len(blob), size)]


def push_in_chunks(registry, digest, blob):
    location = start(registry)
    for first, chunk in chunks_of(blob):
        answer = registry.expect(
            202, "PATCH", with_query(location), chunk, chunk_headers(first, chunk)
        )
        assert answer.headers["Range"] == f"0-{first + len(chunk) - 1}"
        location = answer.headers["Location"]
    return finish(registry, location, digest)


def push_in_chunks_the_last_with_put(registry, digest, blob):
    location = start(registry)
    *others, (last, end) = chunks_of(blob)
    for first, chunk in others:
        location = registry.expect(
            202, "PATCH", with_query(location), chunk, chunk_headers(first, chunk)
        ).headers["Location"]
    return finish(registry, location, digest, end, **chunk_headers(last, end))


def push_with_the_algorithm_told(registry, digest, blob):
    """POST ?digest-algorithm=, which lets the registry hash while it receives."""
    location = start(registry, **{"digest-algorithm": digest.split(":")[0]})
    location = registry.expect(
        202, "PATCH", with_query(location), blob, chunk_headers(0, blob)
    ).headers["Location"]
    return finish(registry, location, digest)


WAYS = [
    push_in_one_request,
    push_with_put,
    push_as_stream,
    push_in_chunks,
    push_in_chunks_the_last_with_put,
    push_with_the_algorithm_told,
]


# --- what must be true -----------------------------------------------------------------------


def has_digest(body, digest):
    algorithm, _, text = digest.partition(":")
    return hashlib.new(algorithm, body).hexdigest() == text


def check_created(registry, answer, digest, body, accept=None):
    """201, and its Location leads to the bytes."""
    assert answer.status == 201, answer
    assert answer.headers["Docker-Content-Digest"] == digest
    path = with_query(answer.headers["Location"])
    found = registry.expect(200, "GET", path, headers={"Accept": accept} if accept else None)
    assert found.body == body


def check_blob(registry, digest, blob):
    head = registry.expect(200, "HEAD", f"blobs/{digest}")
    get = registry.expect(200, "GET", f"blobs/{digest}")
    assert head.body == b"" and get.body == blob and has_digest(get.body, digest)
    for answer in (head, get):
        assert answer.headers["Docker-Content-Digest"] == digest
        assert answer.headers["Content-Length"] == str(len(blob))


def check_manifest(registry, reference, digest, media_type, body):
    for method in ("HEAD", "GET"):
        answer = registry.expect(
            200,
            method,
            f"manifests/{reference}",
            headers={"Accept": f"{OCI_INDEX}, {OCI_MANIFEST}"},
        )
        assert answer.body == (body if method == "GET" else b"")
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Content-Length"] == str(len(body))
        assert answer.headers["Docker-Content-Digest"] == digest
