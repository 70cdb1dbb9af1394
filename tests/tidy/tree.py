# SPDX-License-Identifier: Apache-2.0
"""The source tree as the rules of tests/tidy see it: files, their text, and C without comments.

A rule is a function that takes a Tree and yields findings; @rule registers it under its own name.
"""
import functools
import os
import pathlib
import re

FOLDERS_LEFT_OUT = re.compile(
    r"^(\.git|build.*|data|__pycache__|\.pytest_cache|corpus|regression)$"
)
TEXT_SUFFIXES = {
    ".c",
    ".h",
    ".def",
    ".py",
    ".sql",
    ".md",
    ".html",
    ".css",
    ".js",
    ".build",
    ".txt",
    ".yaml",
    ".ini",
    ".sh",
    "",
}

RULES = {}


def rule(function):
    """Registers a rule.  Its name is what is printed, its docstring what it demands."""
    RULES[function.__name__] = function
    return function


class CannotCheck(Exception):
    """Raised by a rule whose tool or build folder is not there; the rule counts as skipped."""


class Finding:
    def __init__(self, path, line, message):
        self.path, self.line, self.message = path, line, message

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    """All text files below `root`, by their path from there.  `build` may be None."""

    def __init__(self, root, build=None):
        self.root = pathlib.Path(root)
        self.build = pathlib.Path(build) if build else None
        self.paths = sorted(self._walk())

    def _walk(self):
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [name for name in subfolders if not FOLDERS_LEFT_OUT.match(name)]
            for name in names:
                path = (pathlib.Path(folder) / name).relative_to(self.root).as_posix()
                if pathlib.Path(name).suffix in TEXT_SUFFIXES:
                    yield path

    def exists(self, path):
        return (self.root / path).exists()

    def select(self, *suffixes, under=""):
        """Paths that end in one of the suffixes and lie below one folder."""
        return [path for path in self.paths if path.startswith(under) and path.endswith(suffixes)]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        return (self.root / path).read_bytes().decode(errors="replace")

    def lines(self, path):
        return self.text(path).split("\n")

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """C with comments blanked and strings emptied; lines and columns stay."""
        return blank_c(self.text(path), keep_strings=False)

    @functools.lru_cache(maxsize=None)
    def code_and_strings(self, path):
        return blank_c(self.text(path), keep_strings=True)

    def matches(self, path, pattern, text):
        """Findings-to-be: (line, match) of each place where the pattern is found in the text."""
        for match in re.finditer(pattern, text):
            yield text.count("\n", 0, match.start()) + 1, match


C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank_c(text, keep_strings):
    def replace(match):
        token = match.group()
        if token[0] in "\"'":
            return token if keep_strings else token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)

    return C_TOKEN.sub(replace, text)


class Function:
    """A C function: its parameters as text, and the length of its body if it is a definition."""

    def __init__(self, name, line, parameters, body_lines=0):
        self.name, self.line = name, line
        self.parameters, self.body_lines = parameters, body_lines


SIGNATURE = re.compile(r"(\w+)\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)[^;{}()]*$", re.DOTALL)


def split_parameters(text):
    """The parameters of a list, without `void` and `...`."""
    depth, parts = 0, [""]
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    parts = [" ".join(part.split()) for part in parts]
    return [part for part in parts if part not in ("", "void", "...")]


def c_functions(code):
    """The function definitions of blanked C text, found by their braces in column 0."""
    lines = code.split("\n")
    for index, line in enumerate(lines):
        if not line.startswith("{"):
            continue
        start = index
        while (
            start > 0 and lines[start - 1].strip() and not lines[start - 1].startswith(("}", "#"))
        ):
            start -= 1
        signature = SIGNATURE.search("\n".join(lines[start:index]))
        if not signature:
            continue
        end = index + 1
        while end < len(lines) and not lines[end].startswith("}"):
            end += 1
        yield Function(
            signature.group(1), start + 1, split_parameters(signature.group(2)), end - index - 1
        )


PROTOTYPE = re.compile(
    r"^(?!#|typedef\b|return\b)[\w][\w \t*\n]*?\b(\w+)"
    r"\(((?:[^();{}]|\((?:[^();{}]|\([^();{}]*\))*\))*)\)[^;{}=]*;",
    re.MULTILINE,
)


def c_prototypes(code):
    """The functions that blanked header text declares at column 0."""
    for match in PROTOTYPE.finditer(code):
        yield Function(
            match.group(1),
            code.count("\n", 0, match.start(1)) + 1,
            split_parameters(match.group(2)),
        )
