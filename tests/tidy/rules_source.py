# SPDX-License-Identifier: Apache-2.0
"""Rules about single files: how C, Python, SQL and text look."""
import ast
import concurrent.futures
import os
import re
import shutil
import subprocess

from tree import CannotCheck, Finding, c_functions, c_prototypes, rule

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 6
LINE_CHARS_MAX = 100

# What each is refused for stands behind it, so that the message helps.
BANNED_FUNCTIONS = {
    "strcpy": "struct buf",
    "strcat": "struct buf",
    "sprintf": "buf_printf or snprintf",
    "vsprintf": "vsnprintf",
    "strtok": "str_split",
    "atoi": "a parser that reports errors",
    "atol": "a parser that reports errors",
    "atoll": "a parser that reports errors",
    "gets": "a bounded read",
    "gmtime": "base/clock.h",
    "localtime": "base/clock.h",
    "asctime": "base/clock.h",
    "ctime": "base/clock.h",
    "rand": "base/random.h",
    "srand": "base/random.h",
    "random": "base/random.h",
    "system": "an argument array",
    "popen": "an argument array",
    "alloca": "an arena",
    "setjmp": "return values",
    "longjmp": "return values",
    "mktemp": "mkostemp",
    "tmpnam": "mkostemp",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED_FUNCTIONS) + r")\s*\(")
MARKS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
SQL_TEXT = re.compile(
    r"\"[^\"\n]*\b(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\b|UPDATE\s+\w+\s+SET\b"
    r"|DELETE\s+FROM\b|CREATE\s+(UNIQUE\s+)?(TABLE|INDEX)\b)"
)
# Machines and paths of whoever wrote a line; and hosts that serve packages, which nobody's clone
# needs.
PRIVATE_PLACES = re.compile(
    r"(?<![\w.\"'})-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "home/" + r"\w+"]) + r")/\w"
    r"|\b(?:" + "|".join(["deb." + "debian", "registry." + "npm", "pypi." + "org"]) + r")"
)
SPDX = "SPDX-License-Identifier: Apache-2.0"


@rule
def spdx_line_first(tree):
    """The first line (the second one of a script) names the licence."""
    paths = tree.select(".c", ".h", ".def", ".py", ".sql", ".sh")
    paths += [path for path in tree.paths if tree.text(path).startswith("#!") and path not in paths]
    for path in paths:
        lines = tree.lines(path)
        line = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
        if SPDX not in line:
            yield Finding(path, 1, "the SPDX line is missing")


@rule
def pragma_once(tree):
    """Each header guards itself with #pragma once."""
    for path in tree.select(".h"):
        if not re.search(r"^#pragma once$", tree.text(path), re.MULTILINE):
            yield Finding(path, 1, "#pragma once is missing")


@rule
def own_header_first(tree):
    """A .c file includes its own header before all others, so that the header proves to be
    whole."""
    for path in tree.select(".c", under="src/"):
        own = path.removesuffix(".c") + ".h"
        if not tree.exists(own):
            continue
        includes = re.findall(r"^#include [<\"]([^>\"]+)[>\"]", tree.text(path), re.MULTILINE)
        if not includes or "src/" + includes[0] != own:
            yield Finding(path, 1, f"the first include is not {own.removeprefix('src/')}")


@rule
def file_length(tree):
    """No file of code is longer than 600 lines."""
    for path in tree.select(".c", ".h", ".py", ".js"):
        count = tree.text(path).count("\n")
        if count > FILE_LINES_MAX:
            yield Finding(path, FILE_LINES_MAX, f"{count} lines; split it at {FILE_LINES_MAX}")


@rule
def function_length(tree):
    """No function has more than 70 lines between its braces; in Python, as many in all."""
    for path in tree.select(".c", ".h"):
        for function in c_functions(tree.code(path)):
            if function.body_lines > FUNCTION_LINES_MAX:
                yield Finding(path, function.line, f"{function.name}: {function.body_lines} lines")
    for path in tree.select(".py"):
        for node in ast.walk(ast.parse(tree.text(path))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                count = node.end_lineno - node.lineno
                if count > FUNCTION_LINES_MAX:
                    yield Finding(path, node.lineno, f"{node.name}: {count} lines")


# Where a function works, as against what it works on.  Nearly all functions of the domain have
# these.
SURROUNDINGS = re.compile(r"^struct (hub \*hub|db \*db|db_tx \*tx|arena \*arena|error \*err)$")


@rule
def parameter_count(tree):
    """No function of src/ takes more than 6 parameters beside hub, db, transaction, arena and
    error."""
    for path in tree.select(".c", ".h", under="src/"):
        functions = list(c_functions(tree.code(path)))
        if path.endswith(".h"):
            functions += c_prototypes(tree.code(path))
        for function in functions:
            counted = [text for text in function.parameters if not SURROUNDINGS.match(text)]
            if len(counted) > PARAMETERS_MAX:
                yield Finding(path, function.line, f"{function.name}: {len(counted)} parameters")


TABLE_EDGE = {"/* clang-format off */": True, "/* clang-format on */": False}


@rule
def line_length(tree):
    """No line of C or Python is longer than 100 characters, but for tables between clang-format
    marks."""
    for path in tree.select(".c", ".h", ".py"):
        is_table = False
        for number, line in enumerate(tree.lines(path), 1):
            is_table = TABLE_EDGE.get(line.strip(), is_table)
            if len(line) > LINE_CHARS_MAX and not is_table:
                yield Finding(path, number, f"{len(line)} characters")


@rule
def plain_whitespace(tree):
    """No tabs, no blanks at line ends, no carriage returns, one newline at the end of a file."""
    for path in tree.select(
        ".c", ".h", ".def", ".py", ".sql", ".md", ".build", ".html", ".js", ".css"
    ):
        text = tree.text(path)
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"[\t\r]|\s$", line):
                yield Finding(path, number, "a tab, or a blank at the end of the line")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield Finding(path, text.count("\n"), "does not end with exactly one newline")


@rule
def banned_functions(tree):
    """Functions that overflow, share state or reach a shell are not called."""
    for path in tree.select(".c", ".h"):
        for line, match in tree.matches(path, BANNED_CALL, tree.code(path)):
            name = match.group(1)
            yield Finding(path, line, f"{name}() is banned; use {BANNED_FUNCTIONS[name]}")
        for line, _ in tree.matches(path, r"\bgoto\b", tree.code(path)):
            yield Finding(path, line, "goto is banned; use AUTO() of base/cleanup.h")


@rule
def no_marks(tree):
    """What is left to do is an issue, not a mark in a file."""
    for path in tree.paths:
        for line, match in tree.matches(path, MARKS, tree.text(path)):
            yield Finding(path, line, f"{match.group()} is no place to keep work")


@rule
def no_sql_in_c(tree):
    """SQL lives in .sql files; tools/sql2c makes functions of them."""
    for path in tree.select(".c", ".h", under="src/"):
        if path.startswith("src/db/"):
            continue
        for line, match in tree.matches(path, SQL_TEXT, tree.code_and_strings(path)):
            yield Finding(path, line, f"SQL in a string: {match.group(1).strip()}")
        for line, _ in tree.matches(path, r"\(struct sql\)", tree.code(path)):
            yield Finding(path, line, "(struct sql) belongs to src/db")


@rule
def no_private_places(tree):
    """No path or host of somebody's own machine."""
    for path in tree.paths:
        for line, match in tree.matches(path, PRIVATE_PLACES, tree.text(path)):
            yield Finding(path, line, f"names a private place: {match.group()}")


def build_includes(build):
    """Where generated headers lie, and those of libraries that are not in the usual place."""
    if not build:
        return []
    commands = build / "compile_commands.json"
    text = commands.read_text() if commands.exists() else ""
    places = set(re.findall(r"-(?:I|isystem\s*)(/usr/[^\s\"]+)", text))
    return ["-I" + str(build / "src")] + ["-isystem" + place for place in sorted(places)]


@rule
def headers_compile_alone(tree):
    """Each header of src/ compiles without anything before it."""
    includes = ["-I" + str(tree.root / "src"), *build_includes(tree.build)]
    command = [
        "gcc",
        "-fsyntax-only",
        "-std=gnu17",
        "-D_GNU_SOURCE",
        '-DBERTH_VERSION="0"',
        *includes,
        "-x",
        "c",
        "-include",
    ]

    def check(path):
        result = subprocess.run(
            [*command, str(tree.root / path), os.devnull],
            text=True,
            stderr=subprocess.PIPE,
            check=False,
        )
        if result.returncode == 0:
            return None
        errors = [line for line in result.stderr.splitlines() if "error:" in line]
        return Finding(path, 1, errors[0] if errors else result.stderr)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(check, tree.select(".h", under="src/")))


@rule
def clang_format_clean(tree):
    """clang-format would change nothing."""
    if not shutil.which("clang-format"):
        raise CannotCheck("clang-format is not installed")
    paths = [str(tree.root / path) for path in tree.select(".c", ".h")]
    if not paths:
        return
    result = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", *paths],
        text=True,
        stderr=subprocess.PIPE,
        check=False,
    )
    seen = set()
    for match in re.finditer(r"^(.+?):(\d+):\d+: error:", result.stderr, re.MULTILINE):
        path = os.path.relpath(match.group(1), tree.root)
        if path not in seen:
            seen.add(path)
            yield Finding(path, match.group(2), "not as clang-format writes it (./dev format)")
    if result.returncode != 0 and not seen:
        yield Finding(".clang-format", 1, result.stderr.strip())
