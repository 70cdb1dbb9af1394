# SPDX-License-Identifier: Apache-2.0
"""The clients: wrk and curl as programs; what they cannot do, in raw sockets."""
import hashlib
import json
import os
import re
import select
import socket
import subprocess
import time

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
RECEIVE_BYTES = 256 * 1024


class Link:
    """One keep-alive connection; as little work as possible per request."""

    def __init__(self, server, headers=None):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = server.port
        self.fixed = "Host: localhost\r\n"
        for name, value in (headers or {}).items():
            self.fixed += f"{name}: {value}\r\n"
        self.rest = b""

    def request(self, method, target, body=None, more=""):
        """(status, head as text, body)"""
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        head = f"{method} {target} HTTP/1.1\r\n{self.fixed}{more}{length}\r\n".encode()
        self.socket.sendall(head + (body or b""))
        return self.answer(method)

    def answer(self, method):
        data = self.rest
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, data = data.split(b"\r\n\r\n", 1)
        text = head.decode("latin-1")
        status = int(text[9:12])
        found = re.search(r"(?i)\r\ncontent-length: (\d+)", text)
        length = int(found[1]) if found and method != "HEAD" and status not in (204, 304) else 0
        while len(data) < length:
            data += self._more()
        self.rest = data[length:]
        return status, text, data[:length]

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece

    def close(self):
        self.socket.close()


def expect(answer, *statuses):
    if answer[0] not in statuses:
        raise SystemExit(f"unexpected answer:\n{answer[1]}\n{answer[2][:500]!r}")
    return answer


def location_of(text):
    """The path of a Location header, which may be a whole address."""
    return re.sub(r"^https?://[^/]+", "", re.search(r"(?i)\r\nlocation: (\S+)", text)[1])


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def push_blob(link, repository, content):
    """As docker does it: HEAD, POST, PATCH, PUT."""
    digest = digest_of(content)
    expect(link.request("HEAD", f"/v2/{repository}/blobs/{digest}"), 200, 404)
    answer = expect(link.request("POST", f"/v2/{repository}/blobs/uploads/", b""), 202)
    stream = "Content-Type: application/octet-stream\r\n"
    answer = expect(link.request("PATCH", location_of(answer[1]), content, stream), 202)
    place = location_of(answer[1])
    place += ("&" if "?" in place else "?") + f"digest={digest}"
    expect(link.request("PUT", place, b""), 201)
    return digest


def push_image(link, repository, tag, layers):
    """(manifest, its digest)"""
    layer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(each) for each in layers]},
        }
    ).encode()
    described = [
        {"mediaType": layer, "size": len(each), "digest": push_blob(link, repository, each)}
        for each in layers
    ]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(config),
                "digest": push_blob(link, repository, config),
            },
            "layers": described,
        },
        indent=3,
    ).encode()
    target = f"/v2/{repository}/manifests/{tag}"
    expect(link.request("PUT", target, manifest, f"Content-Type: {MANIFEST_TYPE}\r\n"), 201)
    return manifest, digest_of(manifest)


def small_layers():
    return [os.urandom(10 * 1024) for _ in range(3)]


# --- wrk ------------------------------------------------------------------------------------------


def wrk(server, path, headers, connections, seconds, may_fail=False):
    """Requests per second and the 99th percentile in ms.  Answers that are no success end all, or
    do not count, as those that did not come in time."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(
        [*command, server.url + path], check=True, capture_output=True, text=True, timeout=120
    ).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    if bad and not may_fail:
        raise SystemExit(f"{server.name}: {bad[0]} at {path}")
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done).groups()
    requests = int(re.search(r"(\d+) requests in", done)[1])
    good = 1 - (int(bad[1]) / requests if bad else 0)
    return {
        "requests": requests,
        "rps": good * float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1]),
        "p99_ms": float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit],
    }


# --- downloads ------------------------------------------------------------------------------------


def _download(port, path, headers, until):
    """In a process of its own: the same file again and again; returns bytes."""
    total, room = 0, bytearray(RECEIVE_BYTES)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        while time.monotonic() < until:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += link.recv(16384)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"unexpected answer: {head[:300]!r}")
            text, rest = head.split(b"\r\n\r\n", 1)
            left = int(re.search(rb"(?i)content-length: (\d+)", text)[1]) - len(rest)
            total += len(rest)
            while left > 0:
                got = link.recv_into(room, min(left, RECEIVE_BYTES))
                if got == 0:
                    raise SystemExit("a download was cut off")
                left -= got
                total += got
    return total


def in_processes(count, function, *arguments):
    """Runs it `count` times at once, each in a process, and gives the list of results."""
    pipes = []
    for index in range(count):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            status = 1
            try:
                os.write(writer, json.dumps(function(index, *arguments)).encode())
                status = 0
            except BaseException as failure:  # pylint: disable=broad-except
                os.write(2, f"bench client: {failure!r}\n".encode())
            finally:
                os._exit(status)  # pylint: disable=protected-access
        os.close(writer)
        pipes.append((pid, reader))
    results = []
    for pid, reader in pipes:
        data = b""
        while piece := os.read(reader, 1 << 20):
            data += piece
        os.close(reader)
        if os.waitpid(pid, 0)[1] != 0:
            raise SystemExit("a client failed")
        results.append(json.loads(data))
    return results


def download(server, path, headers, connections, seconds):
    """Bytes in all and how long it took."""
    begun = time.monotonic()
    until = begun + seconds
    amounts = in_processes(
        connections, lambda _: _download(server.port, path, headers, until)
    )
    return sum(amounts), time.monotonic() - begun


# --- others ---------------------------------------------------------------------------------------


def stalled_pulls(server, path, headers, count):
    """Connections that ask for a large file and read nothing of it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    ask = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode()
    links = []
    for _ in range(count):
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.connect(("127.0.0.1", server.port))
        link.sendall(ask)
        links.append(link)
    return links


def idle_links(server, count):
    links = []
    for _ in range(count):
        link = Link(server)
        link.request("GET", server.ready_path)
        links.append(link)
    return links


def paced(server, path, headers, rate, seconds, connections=40):
    """Latencies in ms, from the instant at which each request was due, sent or not: a server that
    stops for a second is seen to stop by all who would have asked in it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    ask = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode()
    free, due_of, buffers = [], {}, {}
    poll = select.epoll()
    links = {}
    for _ in range(connections):
        link = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        links[link.fileno()] = link
        poll.register(link, select.EPOLLIN)
        free.append(link.fileno())
    latencies, sent, total = [], 0, int(rate * seconds)
    begun = time.monotonic()
    deadline = begun + seconds + 15
    while len(latencies) < total and time.monotonic() < deadline:
        now = time.monotonic()
        while free and sent < total and begun + sent / rate <= now:
            number = free.pop()
            due_of[number], buffers[number] = begun + sent / rate, b""
            links[number].sendall(ask)
            sent += 1
        wait = max(0.0, begun + sent / rate - time.monotonic()) if free and sent < total else 0.05
        for number, _ in poll.poll(wait):
            buffers[number] += links[number].recv(65536)
            head, mark, body = buffers[number].partition(b"\r\n\r\n")
            if not mark:
                continue
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"unexpected answer: {head[:300]!r}")
            if len(body) >= int(re.search(rb"(?i)content-length: (\d+)", head)[1]):
                latencies.append(1000 * (time.monotonic() - due_of.pop(number)))
                free.append(number)
    # What was never answered counts as having waited until the end.
    missing = total - len(latencies)
    latencies += [1000 * (time.monotonic() - begun)] * missing
    for link in links.values():
        link.close()
    poll.close()
    return latencies


def upload_file(server, repository, path, digest, headers):
    """One blob by curl: POST, PATCH with all bytes, PUT.  Seconds of PATCH and PUT."""
    link = Link(server, headers)
    answer = expect(link.request("POST", f"/v2/{repository}/blobs/uploads/", b""), 202)
    begun = time.monotonic()
    command = ["curl", "-sS", "-f", "-o", "/dev/null", "-D", "-", "-X", "PATCH", "-T", str(path)]
    command += ["-H", "Content-Type: application/octet-stream", "-H", "Expect:"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(
        [*command, server.url + location_of(answer[1])],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    place = location_of("\r\n" + done.stdout.replace("\n", "\r\n").replace("\r\r", "\r"))
    place += ("&" if "?" in place else "?") + f"digest={digest}"
    expect(link.request("PUT", place, b""), 201)
    took = time.monotonic() - begun
    link.close()
    return took
