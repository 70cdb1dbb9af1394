# SPDX-License-Identifier: Apache-2.0
"""What tools/sql2c.py accepts, refuses and makes.  That its C compiles and runs: tests/unit/db."""
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"
sys.path.insert(0, str(TOOLS))
import sql2c  # noqa: E402

GOOD = """\
-- name: tag_resolve :one
-- in:   repository_id int, name text
-- out:  digest digest, pushed_ms int?
SELECT digest, pushed_ms FROM tag WHERE repository_id = $1 AND name = $2;
"""


def one(text):
    statements = sql2c.parse(text)
    assert len(statements) == 1
    return statements[0]


def header_of(text):
    return sql2c.header(sql2c.parse(text), "tag", "tag.sql")


def test_parse__reads_names_types_and_kind():
    statement = one(GOOD)
    assert (statement.name, statement.kind, statement.is_write) == ("tag_resolve", "one", False)
    assert statement.ins == [sql2c.Field("repository_id", "int", False),
                             sql2c.Field("name", "text", False)]
    assert statement.outs[1] == sql2c.Field("pushed_ms", "int", True)
    assert statement.texts["sqlite"] is statement.texts["postgres"]


def test_parse__takes_the_lines_right_above_as_comment():
    text = "-- SPDX\n\n-- First line,\n-- second line.\n" + GOOD
    text += "\n-- Other.\n" + GOOD.replace("resolve", "other")
    first, second = sql2c.parse(text)
    assert first.comment == ["First line,", "second line."]
    assert second.comment == ["Other."]


def test_parse__adds_repeated_in_lines():
    text = GOOD.replace("int, name text", "int\n-- in: name text")
    assert one(text).ins == one(GOOD).ins


def test_parse__leaves_comments_out_and_quotes_alone():
    statement = one("""\
-- name: x :one
-- in: a int
-- out: b text
SELECT '; -- $9 ''OFFSET' /* $7; */ -- it's $8;
  FROM "odd;$3" -- why;
  WHERE a = $1; -- done
""")
    assert statement.texts["sqlite"] == ["""SELECT '; -- $9 ''OFFSET'""", """  FROM "odd;$3\"""",
                                         "  WHERE a = $1"]


def test_parse__lets_a_placeholder_appear_again():
    text = "-- name: x :exec\n-- in: a int, b int\nUPDATE t SET a = $1, b = $2 WHERE a < $1;\n"
    assert one(text).is_write


@pytest.mark.parametrize("text, is_write", [
    ("-- name: x :one\n-- out: a int\nSELECT a FROM t;", False),
    ("-- name: x :one\n-- out: a int\n"
     "WITH u AS (SELECT replace(a, 'x', 'y') FROM t) SELECT a FROM u;", False),
    ("-- name: x :one\n-- out: a int\nINSERT INTO t (a) VALUES (1) RETURNING a;", True),
    ("-- name: x :exec\ninsert INTO t VALUES (1);", True),
    ("-- name: x :exec\nWITH u AS (SELECT 1)\nINSERT INTO t SELECT * FROM u;", True),
    ("-- name: x :count\nDELETE FROM t;", True),
])
def test_parse__knows_what_writes(text, is_write):
    assert one(text).is_write == is_write


def test_parse__joins_the_variants_of_a_name():
    statement = one("""\
-- The comment of both.
-- name: x :one sqlite
-- out: a int
SELECT 1;
-- name: x :one postgres
-- out: a int
SELECT 2;
""")
    assert statement.texts == {"sqlite": ["SELECT 1"], "postgres": ["SELECT 2"]}
    assert statement.comment == ["The comment of both."]


SELECT = "-- name: x :one\n-- out: a int\n"
EXEC = "-- name: x :exec\n"


@pytest.mark.parametrize("text, line, message", [
    (EXEC + "-- in: a int, b int\nUPDATE t\nSET a = $2 WHERE b = $1;", 4, "$2 appears before $1"),
    (EXEC + "-- in: a int\nUPDATE t SET a = $1 WHERE b = $2;", 3, "2 placeholders, but 1 inputs"),
    (EXEC + "-- in: a int, b int\nUPDATE t SET a = $1;", 3, "1 placeholders, but 2 inputs"),
    (EXEC + "-- in: a int\nUPDATE t SET a = $name;", 3, "not '$name'"),
    (EXEC + "-- in: a int\nUPDATE t SET a = $0;", 3, "not '$0'"),
    (EXEC + "-- in: a uuid\nUPDATE t SET a = $1;", 2, "unknown type 'uuid'"),
    (EXEC + "-- in: a bool?\nUPDATE t SET a = $1;", 2, "bool cannot be NULL"),
    (EXEC + "-- in: a\nUPDATE t SET a = $1;", 2, "expected 'name type'"),
    (EXEC + "-- in: a int, a text\nUPDATE t SET a = $1, b = $2;", 2, "same name"),
    (EXEC + "-- in: err int\nUPDATE t SET a = $1;", 2, "'err' cannot be the name of an input"),
    (EXEC + "-- in: while int\nUPDATE t SET a = $1;", 2, "'while' cannot be the name of an input"),
    (SELECT.replace("a int", "long int") + "SELECT 1;", 2, "'long' cannot be the name of a column"),
    (SELECT + "SELECT 1;\n" + SELECT + "SELECT 1;", 4, "'x' is here twice (line 1)"),
    ("-- name: x :one sqlite\n-- out: a int\nSELECT 1;", 1, "no variant for postgres"),
    ("-- name: x :one sqlite\n-- out: a int\nSELECT 1;\n"
     "-- name: x :one postgres\n-- out: a text\nSELECT 1;", 4, "the variants of 'x' differ"),
    ("-- name: x :one sqlite\n-- out: a int\nSELECT 1;\n" + SELECT + "SELECT 1;",
     4, "'x' is here twice"),
    ("-- name: x :one mysql\n-- out: a int\nSELECT 1;", 1, "unknown engine 'mysql'"),
    ("-- name: x :all\n-- out: a int\nSELECT 1;", 1, "unknown kind ':all'"),
    ("-- name: x\n-- out: a int\nSELECT 1;", 1, "expected '-- name: NAME :KIND'"),
    ("-- name: X :one\n-- out: a int\nSELECT 1;", 1, "'X' cannot be the name of a function"),
    (SELECT + "SELECT 1; SELECT 2;", 3, "one ';'"),
    (SELECT + "SELECT 1;\nSELECT 2;", 4, "SQL without a '-- name:' line"),
    (SELECT + "SELECT 1", 3, "does not end with ';'"),
    (SELECT + "SELECT 'open;", 3, "does not end with ';'"),
    (SELECT + SELECT + "SELECT 1;", 3, "'x' has no text"),
    (SELECT + "SELECT a FROM t LIMIT 5 offset 10;", 3, "not by OFFSET"),
    (SELECT + "DROP TABLE t;", 3, "does not start with 'DROP'"),
    (SELECT + "UPDATE t SET a = 1;", 3, "needs RETURNING"),
    ("-- name: x :many\nSELECT a FROM t;", 2, "needs an '-- out:' line"),
    (EXEC + "SELECT a FROM t;", 2, "needs a statement that writes"),
    (EXEC + "-- out: a int\nDELETE FROM t;", 3, "gives no rows"),
    (EXEC + "DELETE FROM t RETURNING a;", 2, "gives no rows"),
    ("-- in: a int\nSELECT 1;", 1, "belongs below a '-- name:' line"),
])
def test_parse__refuses(text, line, message):
    with pytest.raises(sql2c.Mistake) as caught:
        sql2c.parse(text)
    assert message in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize("kind, parameters", [
    ("one", "struct x_row *out, struct error *err"),
    ("maybe", "struct x_row *out, bool *found, struct error *err"),
    ("many", "struct x_row **rows, size_t *count, struct error *err"),
])
def test_header__has_the_parameters_of_each_kind(kind, parameters):
    text = header_of(f"-- name: x :{kind}\n-- out: a int\nSELECT 1;")
    assert f"bool sql_x(struct db_tx *tx, {parameters});" in " ".join(text.split())


def test_header__passes_digests_by_pointer_and_many_inputs_as_a_struct():
    names = "abcdefg"
    fields = ", ".join(f"{name} digest" for name in names)
    marks = ", ".join(f"${i}" for i in range(1, 8))
    text = header_of(f"-- name: x :exec\n-- in: {fields}\nINSERT INTO t VALUES ({marks});")
    assert "struct x_in {\n    const struct digest *a;\n" in text
    assert "bool sql_x(struct db_tx *tx, const struct x_in *in, struct error *err);" in text


def test_header__breaks_long_prototypes_behind_a_comma():
    text = header_of(GOOD.replace("name text", "a_rather_long_name_of_an_input text"))
    assert all(len(line) <= 100 for line in text.split("\n"))
    assert "struct\n" not in text


def test_source__quotes_the_text():
    statements = sql2c.parse(SELECT + "SELECT '\\' AS \"a\"\n  FROM t;")
    text = sql2c.source(statements, "tag", "tag.sql", "hub/tag.sql.h")
    assert r'''"SELECT '\\' AS \"a\"\n"''' in text
    assert '#include "hub/tag.sql.h"' in text


def run(tmp_path, text):
    (tmp_path / "tag.sql").write_text(text)
    names = [tmp_path / name for name in ("tag.sql", "tag.sql.h", "tag.sql.c")]
    return subprocess.run([sys.executable, "-B", TOOLS / "sql2c.py", *names,
                           "--include-as", "hub/tag.sql.h"],
                          capture_output=True, text=True, check=False)


def test_main__writes_both_files(tmp_path):
    assert run(tmp_path, GOOD).returncode == 0
    assert "tag_statements[]" in (tmp_path / "tag.sql.h").read_text()
    assert "&tag_resolve_statement,\n    NULL," in (tmp_path / "tag.sql.c").read_text()


def test_main__tells_file_and_line_and_writes_nothing(tmp_path):
    result = run(tmp_path, "\n" + GOOD.replace("$2", "$3"))
    assert result.returncode == 1
    assert result.stderr == f"{tmp_path}/tag.sql:5: $3 appears before $2\n"
    assert not (tmp_path / "tag.sql.h").exists()
