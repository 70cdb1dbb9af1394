# SPDX-License-Identifier: Apache-2.0
"""The HTTP core from outside: health, hostile framing, early refusals, connections that are
kept."""
import http.client
import socket

import pytest

from harness.registry import basic, call, raw, token

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"


def status_of(answer):
    """The status of raw bytes; 0 for a connection that was closed without an answer."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


@pytest.mark.route("GET /healthz")
@pytest.mark.route("GET /readyz")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health__is_200_for_anybody(checked, path):
    assert call(checked, "GET", path).status == 200


@pytest.mark.route("GET /metrics")
def test_metrics__are_prometheus_text(checked):
    answer = call(checked, "GET", "/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    for line in answer.body.decode().splitlines():
        assert (
            line.startswith("#")
            or len(line.rsplit(" ", 1)) == 2
            and float(line.rsplit(" ", 1)[1]) >= 0
        )
    assert b"berth_" in answer.body and answer.body.endswith(b"\n")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /token HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /token HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length : 5\r\n\r\nhello",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: 18446744073709551621\r\n\r\nhello",
        b"POST /token HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        b"POST /token HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\n" + b"Host: localhost\n\n",
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 200 + b"\r\n",
        b"GET /healthz HTTP/3.0\r\n" + HOST + b"\r\n",
        b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /../etc/passwd HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        b"GET /%2e%2e/etc/passwd HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        b"GET /a%00b HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
    ],
    ids=lambda value: value[:70].decode("latin-1"),
)
def test_framing__what_is_broken_is_refused_and_the_connection_ends(checked, request_bytes):
    answer = raw(checked, request_bytes, timeout=20)
    assert 400 <= status_of(answer) < 600 or answer == b""
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_framing__nothing_is_smuggled_behind_a_body(checked):
    hidden = b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
    request = (
        b"POST /token HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
        + hidden
    )
    assert raw(checked, request).count(b"HTTP/1.1 200") == 0


def test_connection__serves_one_request_after_another(checked):
    connection = http.client.HTTPConnection("127.0.0.1", checked.port, timeout=20)
    try:
        for path, status in (
            ("/healthz", 200),
            ("/v2/", 401),
            ("/no/such/path", 404),
            ("/healthz", 200),
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        local_port = connection.sock.getsockname()[1]
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        assert connection.sock.getsockname()[1] == local_port
    finally:
        connection.close()


def test_connection__two_requests_in_one_packet(checked):
    one = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    last = b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
    assert raw(checked, one + last).count(b"HTTP/1.1 200") == 2


def test_connection__listens_on_both_loopbacks(checked):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as connection:
            connection.connect((address, checked.port))
            connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
            assert b" 200 " in connection.recv(4096)


def test_refusal__comes_before_the_body_is_sent(checked):
    """A client that waits for 100 Continue hears 401 and has sent nothing."""
    head = (
        b"POST /v2/alice/early/blobs/uploads/ HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = raw(checked, head)
    assert status_of(answer) == 401 and b"100 Continue" not in answer


def test_refusal__reaches_a_client_that_is_still_sending(checked):
    """The answer is not lost in a reset, even while the body streams in."""
    head = (
        b"POST /v2/alice/early/blobs/uploads/ HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 900000\r\n\r\n"
    )
    assert status_of(raw(checked, head, b"x" * 900000)) == 401


def test_continue__is_said_when_the_handler_reads(checked):
    text = token(checked, "alice", "repository:alice/continued:pull,push").encode()
    with socket.create_connection(("127.0.0.1", checked.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v2/alice/continued/blobs/uploads/?digest=sha256:2cf24dba5fb0a30e26e83b2a"
            b"c5b9e29e1b161e5c1fa7425e73043362938b9824 HTTP/1.1\r\n"
            + HOST
            + CLOSE
            + b"Authorization: Bearer "
            + text
            + b"\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
        assert b"100 Continue" in connection.recv(4096)
        connection.sendall(b"hello")
        assert b" 201 " in connection.recv(4096)


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("DELETE", "/healthz", 405),
        ("POST", "/v2/", 405),
        ("BREW", "/v2/", 501),
        ("GET", "/v2/x/y/z/w", 404),
        ("PATCH", "/v2/alice/app/manifests/latest", 405),
    ],
)
def test_routing__wrong_method_or_path(checked, method, path, status):
    answer = call(checked, method, path, headers={"Authorization": basic("alice")})
    assert answer.status == status
    if status == 405:
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/v2/alice/team/app/tags/list",
        "/v2/UPPER/app/tags/list",
        "/v2/alice/" + "a" * 300 + "/tags/list",
        "/v2/-/-/tags/list",
    ],
)
def test_routing__bad_repository_names_get_a_sentence(checked, path):
    answer = call(checked, "GET", path, headers={"Authorization": basic("alice")})
    assert answer.status == 400 or answer.status == 404
    code, message = answer.errors()[0]
    assert code in ("NAME_INVALID", "NAME_UNKNOWN") and len(message) > 10


def test_head__has_the_headers_and_no_body(checked):
    answer = raw(checked, b"HEAD /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    assert (
        status_of(answer) == 200 and answer.endswith(b"\r\n\r\n") and b"Content-Length:" in answer
    )
