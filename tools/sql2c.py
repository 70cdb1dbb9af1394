#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes typed C functions of the SQL statements in one file.

    sql2c.py src/hub/tag.sql OUT/tag.sql.h OUT/tag.sql.c --include-as hub/tag.sql.h

The grammar of a .sql file and what is made of it: README.md beside this file.
A mistake is told as `file:line: message`, and nothing is written.
"""
import argparse
import re
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("one", "maybe", "many", "exec", "count")
ENGINES = ("sqlite", "postgres")
MOST_PARAMETERS = 6  # with more inputs, a function takes them as one struct

# name in .sql: (type of a struct member, type of a parameter, suffix of db_bind_*, enum db_type)
TYPES = {
    "int": ("int64_t ", "int64_t ", "int", "DB_INT"),
    "text": ("struct str ", "struct str ", "text", "DB_TEXT"),
    "bytes": ("struct str ", "struct str ", "bytes", "DB_BYTES"),
    "bool": ("bool ", "bool ", "bool", "DB_BOOL"),
    "digest": ("struct digest ", "const struct digest *", "digest", "DB_DIGEST"),
}
C_WORDS = set("""auto bool break case char const continue default do double else enum extern false
    float for goto if inline int long register restrict return short signed sizeof static struct
    switch true typedef union unsigned void volatile while""".split())
# What the functions call their own parameters and variables.
OWN_WORDS = {"tx", "in", "out", "rows", "count", "found", "changed", "err",
             "run", "ok", "has_row", "row", "list", "length"}
WRITES = {"INSERT", "UPDATE", "DELETE"}
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Mistake(Exception):
    """Something in the .sql file that has to be changed."""

    def __init__(self, line, message):
        super().__init__(message)
        self.line = line


@dataclass
class Field:
    name: str
    type: str
    is_nullable: bool


@dataclass
class Statement:
    name: str
    kind: str
    line: int
    engine: str = ""  # "" means both
    comment: list = field(default_factory=list)
    ins: list = field(default_factory=list)
    outs: list = field(default_factory=list)
    texts: dict = field(default_factory=dict)  # engine -> SQL without comments
    is_write: bool = False

    def signature(self):
        return self.kind, self.ins, self.outs, self.is_write


# --- reading ------------------------------------------------------------------------------------

TOKEN = re.compile(r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<quoted>  '(?:[^']|'')*' | "(?:[^"]|"")*" )
    | (?P<placeholder> \$[A-Za-z0-9_]* )
    | (?P<word> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<end> ; )
    | (?P<other> . )
""", re.VERBOSE | re.DOTALL)


def parse_fields(text, line, is_input):
    """`repository_id int, until int?` as a list of Field."""
    fields = []
    for part in text.split(","):
        words = part.split()
        if len(words) != 2:
            raise Mistake(line, f"expected 'name type', got '{part.strip()}'")
        name, type_name = words[0], words[1].removesuffix("?")
        is_nullable = words[1].endswith("?")
        if type_name not in TYPES:
            raise Mistake(line, f"unknown type '{type_name}'; there are {', '.join(TYPES)}")
        if is_nullable and type_name == "bool":
            raise Mistake(line, "a bool cannot be NULL")
        if not NAME.match(name) or name in C_WORDS or (is_input and name in OWN_WORDS):
            what = "an input" if is_input else "a column"
            raise Mistake(line, f"'{name}' cannot be the name of {what}")
        fields.append(Field(name, type_name, is_nullable))
    return fields


def parse_name(text, line):
    """`tag_resolve :one sqlite` as a Statement without its text."""
    words = text.split()
    if len(words) not in (2, 3) or not words[1].startswith(":"):
        raise Mistake(line, "expected '-- name: NAME :KIND' and perhaps an engine")
    name, kind, engine = words[0], words[1][1:], words[2] if len(words) == 3 else ""
    if not NAME.match(name):
        raise Mistake(line, f"'{name}' cannot be the name of a function")
    if kind not in KINDS:
        raise Mistake(line, f"unknown kind ':{kind}'; there are :{', :'.join(KINDS)}")
    if engine and engine not in ENGINES:
        raise Mistake(line, f"unknown engine '{engine}'; there are {', '.join(ENGINES)}")
    return Statement(name, kind, line, engine)


def check_words(statement, words, line):
    """What the words of a statement tell: does it write, does it fit its kind?"""
    first = words[0] if words else ""
    if first not in WRITES | {"SELECT", "WITH", "VALUES"}:
        raise Mistake(line, f"a statement does not start with '{first}'")
    if "OFFSET" in words:
        raise Mistake(line, "lists page by key, not by OFFSET")
    statement.is_write = first in WRITES or (first == "WITH" and bool(WRITES & set(words)))
    gives_rows = statement.kind in ("one", "maybe", "many")
    if gives_rows and not statement.outs:
        raise Mistake(line, f"':{statement.kind}' needs an '-- out:' line")
    if gives_rows and statement.is_write and "RETURNING" not in words:
        raise Mistake(line, f"':{statement.kind}' of a statement that writes needs RETURNING")
    if not gives_rows and (statement.outs or "RETURNING" in words):
        raise Mistake(line, f"':{statement.kind}' gives no rows")
    if not gives_rows and not statement.is_write:
        raise Mistake(line, f"':{statement.kind}' needs a statement that writes")


def is_complete(text):
    """Is the last thing in it, comments aside, a ';' outside of quotes?"""
    tokens = [token for token in TOKEN.finditer(text)
              if token.lastgroup != "comment" and not token.group().isspace()]
    is_open = any(token.lastgroup == "other" and token.group() in "'\"" for token in tokens)
    return bool(tokens) and tokens[-1].lastgroup == "end" and not is_open


def finish_statement(statement, text, line):
    """Checks the text of a statement, which starts at `line`, and adds it."""
    words, kept, highest, is_ended = [], [], 0, False
    for token in TOKEN.finditer(text):
        at = line + text.count("\n", 0, token.start())
        value = token.group()
        if is_ended and token.lastgroup != "comment" and not value.isspace():
            raise Mistake(at, "one statement has one ';', at its end")
        if token.lastgroup == "placeholder":
            if not re.fullmatch(r"\$[1-9][0-9]*", value):
                raise Mistake(at, f"a placeholder is $1, $2 and so on, not '{value}'")
            number = int(value[1:])
            if number > highest + 1:
                raise Mistake(at, f"${number} appears before ${highest + 1}")
            highest = max(highest, number)
        elif token.lastgroup == "word":
            words.append(value.upper())
        is_ended = is_ended or token.lastgroup == "end"
        if token.lastgroup not in ("comment", "end"):
            kept.append(value)
    if highest != len(statement.ins):
        raise Mistake(line, f"{highest} placeholders, but {len(statement.ins)} inputs")
    check_words(statement, words, line)
    lines = [part.rstrip() for part in "".join(kept).split("\n") if part.strip()]
    for engine in [statement.engine] if statement.engine else ENGINES:
        statement.texts[engine] = lines


class Reader:
    """Goes through the lines of a file and gathers its statements."""

    def __init__(self):
        self.statements = {}
        self.comment = []      # lines above a statement
        self.statement = None  # whose '-- name:' was read
        self.text = []         # its SQL so far
        self.text_line = 0

    def read(self, text):
        lines = text.split("\n")
        for line, content in enumerate(lines, 1):
            if self.text or (self.statement and not content.startswith("--") and content.strip()):
                self.sql(content, line)
            else:
                self.head(content.strip(), line)
        if self.statement:
            raise Mistake(len(lines), f"'{self.statement.name}' does not end with ';'")
        for statement in self.statements.values():
            missing = [engine for engine in ENGINES if engine not in statement.texts]
            if missing:
                raise Mistake(statement.line, f"'{statement.name}' has no variant for {missing[0]}")
        return list(self.statements.values())

    def sql(self, content, line):
        if not self.text:
            self.text_line = line
        self.text.append(content)
        text = "\n".join(self.text)
        if not is_complete(text):
            return
        finish_statement(self.statement, text, self.text_line)
        self.add(self.statement)
        self.statement, self.text, self.comment = None, [], []

    def head(self, content, line):
        if content.startswith("-- name:"):
            if self.statement:
                raise Mistake(line, f"'{self.statement.name}' has no text")
            self.statement = parse_name(content[8:], line)
            self.statement.comment = self.comment
        elif content.startswith(("-- in:", "-- out:")):
            if not self.statement:
                raise Mistake(line, "this line belongs below a '-- name:' line")
            is_input = content.startswith("-- in:")
            fields = self.statement.ins if is_input else self.statement.outs
            fields += parse_fields(content.split(":", 1)[1], line, is_input)
            names = [item.name for item in fields]
            if len(set(names)) != len(names):
                raise Mistake(line, "two fields have the same name")
        elif content.startswith("--"):
            if self.statement:
                raise Mistake(line, "a comment goes above '-- name:' or into the statement")
            self.comment.append(content[2:].strip())
        elif content:
            raise Mistake(line, "SQL without a '-- name:' line")
        else:
            self.comment = []

    def add(self, statement):
        other = self.statements.setdefault(statement.name, statement)
        if other is statement:
            return
        if set(other.texts) & set(statement.texts):
            raise Mistake(statement.line, f"'{statement.name}' is here twice (line {other.line})")
        if other.signature() != statement.signature():
            raise Mistake(statement.line,
                          f"the variants of '{statement.name}' differ in kind, inputs, columns "
                          f"or in whether they write (line {other.line})")
        other.texts.update(statement.texts)
        other.comment = other.comment or statement.comment


def parse(text):
    return Reader().read(text)


# --- writing ------------------------------------------------------------------------------------

def c_comment(lines):
    text = " ".join(lines).replace("*/", "* /")
    return textwrap.fill(f"/* {text} */", 96, subsequent_indent=" * ") + "\n" if text else ""


def c_string(lines):
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return "\n".join(f'        "{line}{"" if last else chr(92) + "n"}"'
                     for line, last in zip(escaped, [False] * (len(escaped) - 1) + [True]))


def struct_of(statement, suffix, fields, is_input):
    column = 1 if is_input else 0
    members = "".join(f"    {TYPES[item.type][column]}{item.name};"
                      + (" /* may be NULL */\n" if item.is_nullable else "\n") for item in fields)
    return f"struct {statement.name}_{suffix} {{\n{members}}};\n"


def has_in_struct(statement):
    return len(statement.ins) > MOST_PARAMETERS


def prototype(statement):
    parameters = ["struct db_tx *tx"]
    if has_in_struct(statement):
        parameters.append(f"const struct {statement.name}_in *in")
    else:
        parameters += [TYPES[item.type][1] + item.name for item in statement.ins]
    parameters += {
        "one": [f"struct {statement.name}_row *out"],
        "maybe": [f"struct {statement.name}_row *out", "bool *found"],
        "many": [f"struct {statement.name}_row **rows", "size_t *count"],
        "exec": [],
        "count": ["int64_t *changed"],
    }[statement.kind]
    # A line may end after a comma only: the blanks within a parameter are hidden meanwhile.
    glued = ", ".join(item.replace(" ", "\0") for item in parameters + ["struct error *err"])
    return textwrap.fill(f"bool\0sql_{statement.name}({glued})", 98, subsequent_indent="    ",
                         break_long_words=False).replace("\0", " ")


def header(statements, stem, sql_name):
    parts = [f"/* Made from {sql_name} by tools/sql2c.py. */\n#pragma once\n"
             '#include "db/statement.h"\n']
    for statement in statements:
        if statement.outs:
            parts.append(struct_of(statement, "row", statement.outs, False))
        if has_in_struct(statement):
            parts.append(struct_of(statement, "in", statement.ins, True))
        parts.append(f"{c_comment(statement.comment)}NODISCARD {prototype(statement)};\n")
    parts.append(f"/* All of them, NULL at the end: for the test that prepares each. */\n"
                 f"extern const struct db_statement *const {stem}_statements[];\n")
    return "\n".join(parts)


def field_table(statement, suffix, fields):
    if not fields:
        return ""
    rows = "".join(f'    {{ "{item.name}", {TYPES[item.type][3]}, '
                   f'{"true" if item.is_nullable else "false"} }},\n' for item in fields)
    return f"static const struct db_field {statement.name}_{suffix}[] = {{\n{rows}}};\n"


def statement_object(statement):
    name = statement.name
    lines = [f'    .name = "{name}",']
    lines += [f"    .{engine} =\n{c_string(statement.texts[engine])}," for engine in ENGINES]
    for member, fields in (("in", statement.ins), ("out", statement.outs)):
        if fields:
            lines.append(f"    .{member} = {name}_{member}_fields,")
            lines.append(f"    .{member}_count = {len(fields)},")
    lines.append(f"    .is_write = {'true' if statement.is_write else 'false'},")
    members = "\n".join(lines)
    return f"static const struct db_statement {name}_statement = {{\n{members}\n}};\n"


def reader_function(statement):
    if not statement.outs:
        return ""
    reads = "".join(f"    row->{item.name} = db_column_{TYPES[item.type][2]}(run);\n"
                    for item in statement.outs)
    name = statement.name
    return (f"static void {name}_read(struct db_run *run, struct {name}_row *row)\n"
            f"{{\n{reads}}}\n")


def start_lines(statement):
    source = "in->" if has_in_struct(statement) else ""
    binds = "".join(f"        db_bind_{TYPES[item.type][2]}(&run, {source}{item.name});\n"
                    for item in statement.ins)
    start = f"    bool ok = db_start(tx, &{statement.name}_statement, &run, err);\n"
    return start + (f"    if (ok) {{\n{binds}    }}\n" if binds else "")


def body_of_row(statement):
    """:one and :maybe."""
    name = statement.name
    if statement.kind == "one":
        end = ("    if (ok && !has_row)\n"
               f'        return error_set(err, ERROR_NOT_FOUND, "no row in {name}");\n'
               "    if (ok)\n        *out = row;\n")
    else:
        end = ("    if (ok && has_row)\n        *out = row;\n"
               "    if (ok)\n        *found = has_row;\n")
    return (f"    struct {name}_row row = {{ 0 }};\n    bool has_row = false;\n"
            f"{start_lines(statement)}"
            "    ok = ok && db_step(&run, &has_row, err);\n"
            f"    if (ok && has_row) {{\n        {name}_read(&run, &row);\n"
            "        ok = db_step_end(&run, err);\n    }\n    db_finish(&run);\n" + end)


def body_of_many(statement):
    name = statement.name
    return (f"    struct {name}_row *list = NULL;\n    size_t length = 0;\n"
            "    bool has_row = false;\n"
            f"{start_lines(statement)}"
            "    while (ok && (ok = db_step(&run, &has_row, err)) && has_row) {\n"
            "        list = db_rows_grow(tx, list, length, sizeof(*list));\n"
            f"        {name}_read(&run, &list[length++]);\n    }}\n    db_finish(&run);\n"
            "    if (ok) {\n        *rows = list;\n        *count = length;\n    }\n")


def body_of_write(statement):
    """:exec and :count."""
    changed = ""
    if statement.kind == "count":
        changed = "    if (ok)\n        *changed = db_changed(&run);\n"
    return (f"{start_lines(statement)}    ok = ok && db_step_end(&run, err);\n{changed}"
            "    db_finish(&run);\n")


def function(statement):
    body = {"one": body_of_row, "maybe": body_of_row, "many": body_of_many,
            "exec": body_of_write, "count": body_of_write}[statement.kind](statement)
    return f"{prototype(statement)}\n{{\n    struct db_run run;\n{body}    return ok;\n}}\n"


def source(statements, stem, sql_name, include_as):
    parts = [f'/* Made from {sql_name} by tools/sql2c.py. */\n#include "{include_as}"\n']
    for statement in statements:
        parts += [field_table(statement, "in_fields", statement.ins),
                  field_table(statement, "out_fields", statement.outs),
                  statement_object(statement), reader_function(statement), function(statement)]
    rows = "".join(f"    &{statement.name}_statement,\n" for statement in statements)
    parts.append(f"const struct db_statement *const {stem}_statements[] = {{\n"
                 f"{rows}    NULL,\n}};\n")
    return "\n".join(part for part in parts if part)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sql", type=Path)
    parser.add_argument("header", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--include-as", required=True, help="how the source includes the header")
    options = parser.parse_args(arguments)
    try:
        statements = parse(options.sql.read_text(encoding="utf-8"))
    except Mistake as mistake:
        print(f"{options.sql}:{mistake.line}: {mistake}", file=sys.stderr)
        return 1
    stem, name = options.sql.stem, options.sql.name
    options.header.write_text(header(statements, stem, name), encoding="utf-8")
    options.source.write_text(source(statements, stem, name, options.include_as), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
