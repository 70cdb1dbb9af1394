# SPDX-License-Identifier: Apache-2.0
"""Images without the internet: one static program that prints a line, as tar, build context and
documents."""
import functools
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import tarfile
import tempfile

GREETING = "hello from berth"
PROGRAM = f'#include <stdio.h>\nint main(void)\n{{\n    puts("{GREETING}");\n    return 0;\n}}\n'

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@functools.lru_cache(maxsize=None)
def hello_program():
    """A static executable that prints GREETING."""
    with tempfile.TemporaryDirectory(prefix="berth-hello-") as folder:
        source, program = pathlib.Path(folder, "hello.c"), pathlib.Path(folder, "hello")
        source.write_text(PROGRAM)
        subprocess.run(["/usr/bin/gcc", "-static", "-Os", "-s", "-o", program, source], check=True)
        return program.read_bytes()


def layer_tar(files):
    """A tar of path: bytes, the same each time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def hello_tar(**more):
    """A root file system: /hello, and whatever makes this image different from others."""
    return layer_tar(
        {"hello": hello_program(), **{name: text.encode() for name, text in more.items()}}
    )


def write_context(folder, note="first", base="scratch"):
    """A build context in `folder`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hello").write_bytes(hello_program())
    (folder / "hello").chmod(0o755)
    (folder / "note").write_text(note)
    (folder / "Dockerfile").write_text(
        f'FROM {base}\nCOPY hello /hello\nCOPY note /note\nENTRYPOINT ["/hello"]\n'
    )
    return folder


def digest_of(content, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def document(value):
    """JSON as it is pushed."""
    return json.dumps(value, separators=(",", ":")).encode()


def descriptor(media_type, content, **more):
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


class Image:
    """An image as bytes: config, layers and manifest, to be pushed by plain HTTP."""

    def __init__(self, *tars, architecture="amd64", **manifest_fields):
        tars = tars or (layer_tar({"note": b"plain"}),)
        self.layers = [gzip.compress(tar, mtime=0) for tar in tars]
        self.config = document(
            {
                "architecture": architecture,
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
            }
        )
        self.architecture = architecture
        self.manifest = document(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": descriptor(OCI_CONFIG, self.config),
                "layers": [descriptor(OCI_LAYER, layer) for layer in self.layers],
                **manifest_fields,
            }
        )

    @property
    def digest(self):
        return digest_of(self.manifest)

    @property
    def blobs(self):
        return [self.config, *self.layers]


def index_of(*images, **fields):
    """The index of images for several platforms."""
    return document(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                descriptor(
                    OCI_MANIFEST,
                    image.manifest,
                    platform={"os": "linux", "architecture": image.architecture},
                )
                for image in images
            ],
            **fields,
        }
    )
