# SPDX-License-Identifier: Apache-2.0
"""The registry protocol spoken by hand, for what no client does on purpose.

Registry.call() keeps everything of an answer; tokens are fetched as clients do, when a 401 asks
for them.
"""
import base64
import http.client
import json
import re
import socket
import urllib.parse

from harness.images import OCI_INDEX, OCI_MANIFEST, digest_of
from harness.server import PASSWORDS

TIMEOUT_S = 60


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def errors(self):
        """(code, message) of each error of a registry's answer."""
        return [(error["code"], error["message"]) for error in self.json()["errors"]]

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:500]!r}"


def basic(name, password=None):
    pair = f"{name}:{password if password is not None else PASSWORDS[name]}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def call(berth, method, path, body=None, headers=None):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", berth.port, timeout=TIMEOUT_S)
    try:
        all_headers = {"Host": berth.address, **(headers or {})}
        connection.request(method, path, body=body, headers=all_headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def challenge_of(answer):
    """The parameters of a Bearer challenge."""
    header = answer.headers["WWW-Authenticate"]
    assert header.startswith("Bearer "), header
    return dict(re.findall(r'(\w+)="([^"]*)"', header))


def token(berth, name=None, scope=(), **query):
    """A registry token as GET /token gives it."""
    scopes = [scope] if isinstance(scope, str) else list(scope)
    text = urllib.parse.urlencode({"service": "berth", "scope": scopes, **query}, doseq=True)
    headers = {"Authorization": basic(name)} if name else {}
    answer = call(berth, "GET", f"/token?{text}", headers=headers)
    assert answer.status == 200, answer
    return answer.json()["token"]


class Registry:
    """The API of one repository, as one person (None: nobody)."""

    def __init__(self, berth, repository, name=None):
        self.berth, self.repository, self.name = berth, repository, name
        self.token = None

    def call(self, method, path, body=None, headers=None):
        """`path` behind /v2/<repository>/, or an absolute one.  Asks for a token when told to."""
        if not path.startswith("/"):
            path = f"/v2/{self.repository}/{path}"
        answer = call(self.berth, method, path, body, self._headers(headers))
        if answer.status == 401 and "WWW-Authenticate" in answer.headers:
            scope = challenge_of(answer).get("scope", "")
            self.token = token(self.berth, self.name, scope.split())
            answer = call(self.berth, method, path, body, self._headers(headers))
        return answer

    def _headers(self, headers):
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**own, **(headers or {})}

    def expect(self, status, method, path, body=None, headers=None):
        answer = self.call(method, path, body, headers)
        assert answer.status == status, f"{method} {path}: {answer}"
        return answer

    def start_upload(self):
        return self.expect(202, "POST", "blobs/uploads/").headers["Location"]

    def push_blob(self, content):
        digest = digest_of(content)
        location = self.start_upload()
        self.expect(
            201,
            "PUT",
            with_query(location, digest=digest),
            content,
            {"Content-Type": "application/octet-stream"},
        )
        return digest

    def push_manifest(self, body, reference=None, media_type=OCI_MANIFEST):
        return self.expect(
            201,
            "PUT",
            f"manifests/{reference or digest_of(body)}",
            body,
            {"Content-Type": media_type},
        )

    def push(self, image, reference="latest"):
        for blob in image.blobs:
            self.push_blob(blob)
        self.push_manifest(image.manifest, reference)
        return image

    def manifest(self, reference):
        return self.call(
            "GET", f"manifests/{reference}", headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"}
        )

    def blob(self, digest, **headers):
        return self.call("GET", f"blobs/{digest}", headers=headers)


def with_query(location, **query):
    """A Location as path, with more parameters."""
    parts = urllib.parse.urlsplit(location)
    text = "&".join(filter(None, [parts.query, urllib.parse.urlencode(query)]))
    return parts.path + ("?" + text if text else "")


def raw(berth, *pieces, close=False, timeout=TIMEOUT_S):
    """Sends bytes as they are and returns all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", berth.port), timeout=timeout) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it refused before it had read everything
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received
