# SPDX-License-Identifier: Apache-2.0
"""The migrations of both engines have the same files, tables, columns and indexes.  What they
really make is compared by test_migrate.c."""
import re
from pathlib import Path

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"
CONSTRAINTS = {"PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "CONSTRAINT"}


def text_of(engine):
    files = sorted((MIGRATIONS / engine).glob("*.sql"))
    assert files
    return re.sub(r"--[^\n]*", "", "\n".join(path.read_text(encoding="utf-8") for path in files))


def top_level_parts(body):
    """The comma-separated parts of a table's body, commas in parentheses aside."""
    depth, part = 0, ""
    for char in body + ",":
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            yield part.split()
            part = ""
        else:
            part += char


def schema_of(text):
    tables = {}
    for name, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", text, re.DOTALL):
        tables[name] = [words[0] for words in top_level_parts(body)
                        if words and words[0].upper() not in CONSTRAINTS]
    for table, column in re.findall(r"ALTER TABLE (\w+) ADD (?:COLUMN )?(\w+)", text):
        tables[table].append(column)
    return tables


def test_migrations__have_the_same_files_without_gaps():
    names = [path.name for path in sorted((MIGRATIONS / "sqlite").glob("*.sql"))]
    assert names == [path.name for path in sorted((MIGRATIONS / "postgres").glob("*.sql"))]
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_migrations__make_the_same_tables_and_columns():
    sqlite, postgres = schema_of(text_of("sqlite")), schema_of(text_of("postgres"))
    assert len(sqlite) >= 5 and all(sqlite.values())
    assert sqlite == postgres


def test_migrations__make_the_same_indexes():
    index = re.compile(r"CREATE (UNIQUE )?INDEX (\w+)\s+ON (\w+)")
    assert sorted(index.findall(text_of("sqlite"))) == sorted(index.findall(text_of("postgres")))


def test_migrations__do_not_commit():
    for engine in ("sqlite", "postgres"):
        assert not re.search(r"\b(BEGIN|COMMIT|ROLLBACK)\b", text_of(engine), re.IGNORECASE)
