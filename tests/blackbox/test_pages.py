# SPDX-License-Identifier: Apache-2.0
"""The first pages, without a browser: start, first administrator, sign-up."""
import http.client
import re
import urllib.parse

import pytest

from harness.registry import call, token


class Browser:
    """Keeps cookies and sends forms, as little as that."""

    def __init__(self, berth):
        self.berth, self.cookies = berth, {}

    def call(self, method, path, fields=None):
        headers = {"Accept": "text/html"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields).encode()
            headers.update(
                {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.berth.url}
            )
        answer = call(self.berth, method, path, body, headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def submit(self, path, **fields):
        """Fills in the form of a page: what it hides is sent back as it came."""
        page = self.call("GET", path).body.decode()
        hidden = {}
        for tag in re.findall(r"<input[^>]*type=\"?hidden[^>]*>", page):
            hidden[re.search(r'name="([^"]*)"', tag).group(1)] = re.search(
                r'value="([^"]*)"', tag
            ).group(1)
        return self.call("POST", path.split("?")[0], {**hidden, **fields})


@pytest.mark.route("GET /")
def test_home__is_a_small_page_with_a_policy(checked):
    answer = call(checked, "GET", "/")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html")
    assert "default-src" in answer.headers["Content-Security-Policy"]
    assert len(answer.body) < 100_000 and b"docker login" in answer.body
    assert not re.search(rb"<script(?![^>]*src=)|\son\w+=|style=", answer.body)


@pytest.mark.route("GET /assets/{name}")
def test_assets__of_the_home_page_are_there_and_never_change(checked):
    page = call(checked, "GET", "/").body.decode()
    paths = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', page))
    assert paths
    for path in paths:
        answer = call(checked, "GET", path)
        assert answer.status == 200 and "immutable" in answer.headers["Cache-Control"]
    assert call(checked, "GET", "/assets/none.css").status == 404


def test_unknown_page__is_a_page(checked):
    answer = call(checked, "GET", "/no/such/page", headers={"Accept": "text/html"})
    assert answer.status == 404 and b"<html" in answer.body.lower()


@pytest.mark.route("GET /setup")
@pytest.mark.route("POST /setup")
def test_setup__link_of_the_first_start_makes_the_administrator_once(new_berth):
    berth = new_berth().start()
    link = re.search(rf"{berth.url}(/setup\S*)", berth.log_text())
    assert link, berth.log_text()
    answer = Browser(berth).submit(
        link.group(1),
        username="captain",
        email="captain@example.org",
        password="captain-password",
        name="captain",
    )
    assert answer.status in (200, 201, 303), answer
    assert token(berth, "captain")
    again = call(berth, "GET", link.group(1))
    assert again.status in (403, 404, 410)


@pytest.mark.route("GET /signup")
@pytest.mark.route("POST /signup")
def test_signup__open_makes_an_account(new_berth):
    berth = new_berth(signup="open").start()
    answer = Browser(berth).submit(
        "/signup",
        username="alice",
        name="alice",
        email="alice@example.org",
        password="alice-password",
    )
    assert answer.status in (200, 201, 303), answer
    assert token(berth, "alice")


def test_signup__without_the_hidden_field_is_refused(new_berth):
    berth = new_berth(signup="open").start()
    answer = Browser(berth).call(
        "POST",
        "/signup",
        {
            "username": "alice",
            "name": "alice",
            "email": "a@example.org",
            "password": "alice-password",
        },
    )
    assert answer.status in (400, 403)


def test_signup__closed_says_so(checked):
    answer = call(checked, "GET", "/signup", headers={"Accept": "text/html"})
    assert b"closed" in answer.body or answer.status in (403, 404)


def test_pages__answer_head(checked):
    connection = http.client.HTTPConnection("127.0.0.1", checked.port, timeout=20)
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    assert answer.status == 200 and int(answer.headers["Content-Length"]) > 0
    connection.close()
