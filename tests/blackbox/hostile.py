# SPDX-License-Identifier: Apache-2.0
"""What the tests of hostile clients share: raw requests, limits in time, and that the server is
well after each of them."""
import contextlib
import time

import pytest

from harness.images import OCI_MANIFEST, digest_of
from harness.registry import basic, call

MISSING = digest_of(b"nobody has this")
PROMPT_S = 5  # with sanitizers, on a busy machine


@pytest.fixture(autouse=True)
def stays_well(checked):
    """The same process answers as before; what sanitizers say is looked at by conftest.py."""
    process = checked.process
    yield
    begin = time.monotonic()
    assert call(checked, "GET", "/readyz").status == 200
    assert time.monotonic() - begin < PROMPT_S
    assert checked.process is process and process.is_running()


@contextlib.contextmanager
def within(seconds):
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < seconds


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def statuses_of(answer):
    """Of all answers in what a connection gave; bodies here do not look like status lines."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def request(who, method, path, *lines, body=b""):
    """The bytes of a request with somebody's rights."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "Connection: close"]
    if who:
        head.append(f"Authorization: {basic(who)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def put(alice, body, reference="hostile", media_type=OCI_MANIFEST):
    with within(3 * PROMPT_S):
        return alice.call("PUT", f"manifests/{reference}", body, {"Content-Type": media_type})
