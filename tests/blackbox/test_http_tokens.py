# SPDX-License-Identifier: Apache-2.0
"""Tokens, scopes, and who may: GET and POST /token, identity tokens, the sign-up of old clients."""
import base64
import json
import urllib.parse

import pytest

from harness.images import Image
from harness.registry import Registry, basic, call, challenge_of, token
from harness.server import ADMINISTRATOR, PASSWORDS

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def claims(text):
    """What a token says; its signature is the server's business."""
    payload = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def post(berth, **fields):
    return call(berth, "POST", "/token", urllib.parse.urlencode(fields).encode(), FORM)


def actions(text):
    return {entry["name"]: sorted(entry["actions"]) for entry in claims(text)["access"]}


@pytest.fixture(scope="module")
def public(checked):
    registry = Registry(checked, "alice/tokens-public", "alice")
    registry.push(Image())
    return registry.repository


@pytest.fixture(scope="module")
def private(checked):
    checked.command("repo", "add", "alice/tokens-private", "--private", "yes")
    Registry(checked, "alice/tokens-private", "alice").push(Image())
    return "alice/tokens-private"


@pytest.mark.route("GET /token")
def test_get__gives_both_names_and_times(checked):
    answer = call(
        checked,
        "GET",
        "/token?service=berth&account=alice",
        headers={"Authorization": basic("alice")},
    )
    body = answer.json()
    assert body["token"] == body["access_token"] and body["expires_in"] >= 60
    assert body["issued_at"].endswith("Z") and "refresh_token" not in body
    assert claims(body["token"])["sub"] == "alice"


@pytest.mark.parametrize(
    "name, repository, asked, granted",
    [
        ("alice", "alice/tokens-public", "pull,push,delete", ["delete", "pull", "push"]),
        ("bob", "alice/tokens-public", "pull,push", ["pull"]),
        ("bob", "alice/tokens-private", "pull,push", None),
        (None, "alice/tokens-public", "pull,push", ["pull"]),
        (None, "alice/tokens-private", "pull", None),
        ("alice", "alice/not-yet-there", "push,pull", ["pull", "push"]),
        ("bob", "alice/not-yet-there", "push,pull", None),
        ("alice", "library/new-official", "push,pull", None),
        (ADMINISTRATOR, "library/new-official", "push,pull", ["pull", "push"]),
        (ADMINISTRATOR, "alice/tokens-private", "pull", ["pull"]),
    ],
)
def test_get__grants_what_is_allowed(checked, public, private, name, repository, asked, granted):
    text = token(checked, name, f"repository:{repository}:{asked}")
    assert actions(text).get(repository) == granted


def test_get__several_scopes_at_once(checked, public):
    text = token(
        checked, "bob", ["repository:bob/a:pull,push", f"repository:{public}:pull", "nonsense"]
    )
    assert actions(text) == {"bob/a": ["pull", "push"], public: ["pull"]}


def test_get__wrong_password_is_401_with_a_sentence(checked):
    answer = call(
        checked, "GET", "/token", headers={"Authorization": basic("alice", "wrong password")}
    )
    assert answer.status == 401
    assert "incorrect username or password" in answer.json()["details"]


def test_token__is_no_ceiling_raised_by_another_repository(checked, public, private):
    registry = Registry(checked, private, "alice")
    registry.token = token(checked, "alice", f"repository:{public}:pull")
    answer = call(
        checked, "GET", f"/v2/{private}/manifests/latest", headers=registry._headers(None)
    )
    assert answer.status == 401
    assert challenge_of(answer)["scope"] == f"repository:{private}:pull"


def test_token__tampered_is_refused(checked):
    head, payload, signature = token(checked, "alice").split(".")
    for forged in (
        f"{head}.{payload}.{signature[:-2]}AA",
        f"{head}.{payload}.",
        "a.b.c",
        "x" * 9000,
    ):
        assert (
            call(checked, "GET", "/v2/", headers={"Authorization": f"Bearer {forged}"}).status
            == 401
        )


def test_token__ends_when_the_account_is_switched_off(checked):
    checked.add_user("leaver", password="leaver-password")
    text = claims_holder = {
        "Authorization": "Bearer "
        + call(
            checked, "GET", "/token", headers={"Authorization": basic("leaver", "leaver-password")}
        ).json()["token"]
    }
    assert call(checked, "GET", "/v2/", headers=claims_holder).status == 200
    checked.command("user", "change", "leaver", "--active", "no")
    assert call(checked, "GET", "/v2/", headers=text).status == 401


@pytest.mark.route("POST /token")
def test_post__password_grant(checked):
    answer = post(
        checked,
        grant_type="password",
        service="berth",
        client_id="test",
        username="alice",
        password=PASSWORDS["alice"],
        scope="repository:alice/a:pull,push repository:bob/b:push",
    )
    assert answer.status == 200 and actions(answer.json()["access_token"]) == {
        "alice/a": ["pull", "push"]
    }


def test_post__refresh_token_in_place_of_a_password(checked):
    first = post(
        checked,
        grant_type="password",
        service="berth",
        client_id="test",
        username="alice",
        password=PASSWORDS["alice"],
        access_type="offline",
    ).json()
    answer = post(
        checked,
        grant_type="refresh_token",
        service="berth",
        client_id="test",
        refresh_token=first["refresh_token"],
        scope="repository:alice/a:push",
    )
    assert actions(answer.json()["access_token"]) == {"alice/a": ["push"]}


def test_post__refresh_token_ends_with_a_new_password(checked):
    checked.add_user("changer", password="first-password")
    refresh = post(
        checked,
        grant_type="password",
        service="berth",
        client_id="test",
        username="changer",
        password="first-password",
        access_type="offline",
    ).json()["refresh_token"]
    checked.command("user", "change", "changer", "--password-stdin", stdin="second-password\n")
    answer = post(checked, grant_type="refresh_token", service="berth", refresh_token=refresh)
    assert answer.status == 401


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"grant_type": "magic"},
        {"grant_type": "password", "username": "alice"},
        {"grant_type": "refresh_token", "refresh_token": "berth_rt_none"},
    ],
)
def test_post__nonsense_is_refused(checked, fields):
    assert post(checked, **fields).status in (400, 401)


def test_login__is_locked_after_many_wrong_passwords(new_berth):
    berth = new_berth().start()
    berth.add_user("target", password="right-password")
    statuses = [
        call(
            berth, "GET", "/token", headers={"Authorization": basic("target", f"wrong-{attempt}")}
        ).status
        for attempt in range(11)
    ]
    assert statuses[0] == 401 and statuses[-1] == 429
    locked = call(
        berth, "GET", "/token", headers={"Authorization": basic("target", "right-password")}
    )
    assert locked.status == 429 and int(locked.headers["Retry-After"]) > 0


class TestAccess:
    def test_private__answers_nobody_and_strangers_as_if_missing(self, checked, private):
        for name in (None, "bob"):
            there = Registry(checked, private, name).call("GET", "manifests/latest")
            missing = Registry(checked, "alice/tokens-missing", name).call(
                "GET", "manifests/latest"
            )
            assert there.status == missing.status
            assert there.body.replace(b"tokens-private", b"tokens-missing") == missing.body

    def test_push__denied_with_the_same_sentence_whether_it_exists_or_not(self, checked, private):
        answers = [
            Registry(checked, name, "bob").call("POST", "blobs/uploads/")
            for name in (private, "alice/tokens-missing")
        ]
        assert [answer.status for answer in answers] == [403, 403]
        assert answers[0].errors()[0] == (
            "DENIED",
            answers[1].errors()[0][1].replace("missing", "private"),
        )

    def test_delete__denied_to_who_may_only_pull(self, checked, public):
        assert Registry(checked, public, "bob").call("DELETE", "manifests/latest").status in (
            401,
            403,
        )
        assert Registry(checked, public).call("DELETE", "manifests/latest").status == 401

    def test_basic__works_in_place_of_a_token(self, checked, private):
        answer = call(
            checked, "GET", f"/v2/{private}/tags/list", headers={"Authorization": basic("alice")}
        )
        assert answer.status == 200


class TestOldClients:
    """docker login up to 1.10: it registers first, and logs in when told that the account
    exists."""

    @staticmethod
    def register(berth, name, password="some-password"):
        body = json.dumps(
            {"username": name, "password": password, "auth": "", "email": f"{name}@example.org"}
        ).encode()
        return call(berth, "POST", "/v1/users/", body, JSON)

    @pytest.mark.route("POST /v1/users/")
    def test_register__known_account_gets_the_words_that_go_on(self, checked):
        answer = self.register(checked, "alice")
        assert (answer.status, answer.body) == (400, b'"Username or email already exists"')

    def test_register__closed_sign_up_says_so(self, checked):
        answer = self.register(checked, "newcomer")
        assert answer.status in (400, 403) and b"closed" in answer.body

    def test_register__open_sign_up_makes_the_account(self, new_berth):
        berth = new_berth(signup="open").start()
        assert self.register(berth, "newcomer").status == 201
        assert (
            token(berth)
            and call(
                berth,
                "GET",
                "/v1/users/",
                headers={"Authorization": basic("newcomer", "some-password")},
            ).status
            == 200
        )

    @pytest.mark.route("GET /v1/users/")
    def test_login__right_and_wrong_password(self, checked):
        right = call(checked, "GET", "/v1/users/", headers={"Authorization": basic("alice")})
        wrong = call(
            checked, "GET", "/v1/users/", headers={"Authorization": basic("alice", "wrong one")}
        )
        assert (right.status, wrong.status) == (200, 401)

    @pytest.mark.route("GET /v1/_ping")
    def test_ping__calls_itself_standalone(self, checked):
        answer = call(checked, "GET", "/v1/_ping")
        assert answer.status == 200 and answer.headers["X-Docker-Registry-Standalone"] in (
            "true",
            "1",
        )
