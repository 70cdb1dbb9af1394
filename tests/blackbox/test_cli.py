# SPDX-License-Identifier: Apache-2.0
"""The command line: help everywhere, sentences for mistakes, settings that are checked before
anything starts."""
import json
import re

import pytest

COMMANDS = [
    "serve",
    "user add",
    "user change",
    "user list",
    "repo add",
    "repo change",
    "repo list",
    "cert",
    "key rotate",
    "gc",
    "check",
    "restore",
    "migrate",
    "settings",
    "version",
    "help",
]


@pytest.fixture
def berth(new_berth):
    """Not started: commands work without a server."""
    return new_berth()


@pytest.mark.parametrize("command", COMMANDS)
def test_help__each_command_has_it(berth, command):
    result = berth.command(*command.split(), "--help")
    assert f"berth {command}" in result.out and result.err == ""


def test_help__names_all_commands(berth):
    text = berth.command("help").out
    assert berth.command("--help").out == text
    for command in COMMANDS:
        assert re.search(rf"^\s+{command}\b", text, re.MULTILINE), command


def test_usage__no_command_at_all_shows_the_help(berth):
    result = berth.command(expect=2)
    assert "serve" in result.err


@pytest.mark.parametrize(
    "words, hint",
    [
        (["sevre"], "serve"),
        (["user", "ad", "x"], "user add"),
        (["user", "add", "x", "--emial", "a@b.c"], "--email"),
        (["user", "add"], "NAME"),
        (["user", "list", "extra"], "extra"),
        (["serve", "--listen"], "--listen"),
    ],
)
def test_usage__mistakes_are_status_2_and_name_what_was_meant(berth, words, hint):
    result = berth.command(*words, expect=2)
    assert hint in result.err and result.out == ""


@pytest.mark.parametrize(
    "name, value",
    [
        ("BERTH_LISTEN", "nonsense"),
        ("BERTH_LISTEN", "localhost:99999"),
        ("BERTH_URL", "ftp://example.org"),
        ("BERTH_DATABASE", "mysql:x"),
        ("BERTH_STORAGE", "tape:0"),
        ("BERTH_SIGNUP", "maybe"),
        ("BERTH_SIGNUP", "invite"),
        ("BERTH_LIMIT_WORKERS", "-1"),
        ("BERTH_LOG_FORMAT", "xml"),
        ("BERTH_PROXY_TRUSTED", "10.0.0.0/99"),
        ("BERTH_TLS_KEY", "only-the-key.pem"),
        ("BERTH_HISTORY_DAYS", "-1"),
        ("BERTH_COLLECT_LEASE_S", "0"),
        ("BERTH_NO_SUCH_SETTING", "1"),
    ],
)
def test_settings__wrong_ones_stop_the_start_with_one_line(berth, name, value):
    result = berth.command("serve", environment={name: value}, expect=None)
    assert result.status in (1, 2)
    lines = result.err.strip().splitlines()
    words = name.removeprefix("BERTH_").lower().replace("_", ".")
    assert len(lines) == 1 and (name in lines[0] or words in lines[0])


def test_settings__file_environment_and_flags_in_that_order(berth):
    path = berth.folder / "berth.ini"
    path.write_text("signup = open\nlisten = localhost:1111\n[limit]\nworkers = 99\n")
    berth.settings["BERTH_CONFIG"] = path
    shown = berth.command(
        "settings",
        "--listen",
        "localhost:3333",
        "--json",
        environment={"BERTH_LISTEN": "localhost:2222"},
    ).json()
    rows = {row["name"]: row for row in shown}
    assert rows["listen"]["value"] == "localhost:3333"
    assert rows["signup"]["value"] == "open"
    assert rows["limit.workers"]["value"] == "99"


@pytest.mark.parametrize(
    "text", ["signup = maybe\n", "no_such_key = 1\n", "[limit]\nworkers = many\n", "x\n"]
)
def test_settings__mistakes_in_the_file_are_told_with_their_line(berth, text):
    path = berth.folder / "berth.ini"
    path.write_text("# a comment\n" + text)
    result = berth.command("serve", "--config", path, expect=None)
    assert result.status in (1, 2) and re.search(r"berth\.ini:\d", result.err)


def test_settings__missing_file_is_told(berth):
    result = berth.command("serve", "--config", "/no/such/file.ini", expect=None)
    assert result.status in (1, 2) and "/no/such/file.ini" in result.err


class TestUser:
    def test_add__then_list(self, berth):
        berth.add_user("alice")
        rows = berth.command("user", "list", "--json").json()
        assert ("alice", "alice@example.org") in [(row["name"], row["email"]) for row in rows]
        assert "alice" in berth.command("user", "list").out

    @pytest.mark.parametrize(
        "name, email, password, said",
        [
            ("Upper", "a@example.org", "long-password", "upper"),
            ("admin", "a@example.org", "long-password", "admin"),
            ("alice", "no-address", "long-password", "mail"),
            ("alice", "a@example.org", "short", "9"),
        ],
    )
    def test_add__mistakes_are_told(self, berth, name, email, password, said):
        result = berth.command(
            "user",
            "add",
            name,
            "--email",
            email,
            "--password-stdin",
            stdin=password + "\n",
            expect=1,
        )
        assert said in result.err and len(result.err.strip().splitlines()) == 1

    def test_add__twice_is_refused(self, berth):
        berth.add_user("alice")
        result = berth.command(
            "user",
            "add",
            "alice",
            "--email",
            "other@example.org",
            "--password-stdin",
            stdin="long-password\n",
            expect=1,
        )
        assert "there is already an account 'alice'" in result.err

    def test_change__last_administrator_stays(self, berth):
        berth.add_user("captain", "--admin")
        result = berth.command("user", "change", "captain", "--admin", "no", expect=1)
        assert "administrator" in result.err

    def test_change__unknown_account(self, berth):
        berth.command("migrate")
        assert (
            "nobody-here"
            in berth.command("user", "change", "nobody-here", "--active", "no", expect=1).err
        )


class TestRepository:
    def test_add__change_list(self, berth):
        berth.add_user("alice")
        berth.command(
            "repo", "add", "alice/app", "--description", "An application", "--private", "yes"
        )
        berth.command("repo", "change", "alice/app", "--private", "no")
        rows = berth.command("repo", "list", "--json").json()
        assert [row["name"] for row in rows] == ["alice/app"]
        assert "alice/app" in berth.command("repo", "list", "alice").out

    @pytest.mark.parametrize("name", ["alice/a/b", "alice/UPPER", "nobody/app", "-", ""])
    def test_add__bad_names_are_told(self, berth, name):
        berth.add_user("alice")
        assert berth.command("repo", "add", name, expect=None).status in (1, 2)


def test_version__is_one_line(berth):
    assert re.fullmatch(r"berth \d+\.\d+\.\d+\n", berth.command("version").out)


def test_migrate__tells_what_is_there(berth):
    berth.command("migrate")
    rows = berth.command("migrate", "--status", "--json").json()
    assert rows and json.dumps(rows)
    berth.command("migrate")


def test_key_rotate__old_tokens_stay_valid(new_berth):
    from harness.registry import call, token

    berth = new_berth().start()
    berth.add_user("alice")
    headers = {"Authorization": f"Bearer {token(berth, 'alice')}"}
    berth.command("key", "rotate")
    berth.hang_up()
    assert call(berth, "GET", "/v2/", headers=headers).status == 200
    berth.restart()
    assert call(berth, "GET", "/v2/", headers=headers).status == 200
    assert (
        call(
            berth, "GET", "/v2/", headers={"Authorization": f"Bearer {token(berth, 'alice')}"}
        ).status
        == 200
    )


def test_cert__serves_https_that_its_authority_proves(new_berth):
    import ssl
    import urllib.request

    berth = new_berth()
    text = berth.command("cert", "--name", "hub.example.org").out
    assert "docker" in text
    folder = berth.data / "tls"
    authority = next(
        path for path in folder.iterdir() if "ca" in path.name and path.suffix in (".crt", ".pem")
    )
    certificate = re.search(
        r"(\S+\.(?:crt|pem))\b",
        next(line for line in text.splitlines() if "CERTIFICATE" in line.upper() and "=" in line),
    ).group(1)
    key = re.search(
        r"(\S+\.(?:key|pem))\b",
        next(line for line in text.splitlines() if "KEY" in line.upper() and "=" in line),
    ).group(1)
    berth.settings.update(
        BERTH_TLS_CERTIFICATE=certificate.split("=")[-1], BERTH_TLS_KEY=key.split("=")[-1]
    )
    berth.is_ready = lambda: tls_ready(berth, authority)
    berth.start()
    with urllib.request.urlopen(
        f"https://localhost:{berth.port}/healthz",
        context=ssl.create_default_context(cafile=authority),
    ) as answer:
        assert answer.status == 200


def tls_ready(berth, authority):
    import ssl
    import urllib.request

    try:
        context = ssl.create_default_context(cafile=authority)
        return (
            urllib.request.urlopen(f"https://localhost:{berth.port}/readyz", context=context).status
            == 200
        )
    except OSError:
        return False


def test_database__one_that_does_not_answer_is_named(berth):
    database = {"BERTH_DATABASE": "postgres://u:secret@localhost:1/n"}
    result = berth.command("migrate", environment=database, expect=1)
    assert "localhost, port 1" in result.err and "database" in result.err
    assert "secret" not in result.err
