# SPDX-License-Identifier: Apache-2.0
"""The database of a server under test: SQLite in its data folder, or with BERTH_TEST_DATABASE (see
tests/with_postgres.py) a new one on that PostgreSQL server,
which is asked through psql."""
import itertools
import os
import sqlite3
import subprocess
import urllib.parse

SEPARATOR = "\x1f"
SECONDS_MAX = 60
numbers = itertools.count(1)


def server_url():
    return os.environ.get("BERTH_TEST_DATABASE")


def psql(url, text):
    completed = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-F", SEPARATOR, "-v", "ON_ERROR_STOP=1", "-c", text, url],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS_MAX,
    )
    return completed.stdout


def literal(value):
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def plain(text):
    return int(text) if text.lstrip("-").isdigit() else text


class Sqlite:
    setting = None  # what the server takes without one

    def __init__(self, path):
        self.path = path

    def run(self, text, values):
        with sqlite3.connect(self.path, timeout=30) as connection:
            rows = connection.execute(text, values).fetchall()
        connection.close()
        return rows


class Postgres:
    def __init__(self):
        self.name = f"berth_box_{os.getpid()}_{next(numbers)}"
        psql(server_url(), f"CREATE DATABASE {self.name} TEMPLATE template0 ENCODING 'UTF8'")
        parts = urllib.parse.urlsplit(server_url())
        # urlunsplit() would drop the slashes of an empty host.
        query = f"?{parts.query}" if parts.query else ""
        self.setting = f"{parts.scheme}://{parts.netloc}/{self.name}{query}"

    def run(self, text, values):
        head, *rest = text.split("?")
        assert len(rest) == len(values)
        for value, part in zip(values, rest):
            head += literal(value) + part
        rows = psql(self.setting, head).splitlines()
        return [tuple(plain(field) for field in row.split(SEPARATOR)) for row in rows]


def new_database(folder):
    return Postgres() if server_url() else Sqlite(folder / "berth.db")
