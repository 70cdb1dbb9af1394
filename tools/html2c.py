#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles an HTML template to a C function that writes the page.

    html2c.py src/web/signup.html OUT/signup.html.c --include web/pages.h

The language (README.md beside this file shows it at work):

    {% template NAME TYPE %}     first; makes void html_NAME(struct html *out, const TYPE *page)
    {{ EXPRESSION }}             a C expression; its type decides how it is escaped
    {% if EXPRESSION %} {% else %} {% end %}
    {% for ITEM in ARRAY count COUNT %} {% end %}
    {% call NAME EXPRESSION %}   another template, with the address of its page
    {# a comment #}

The place decides what is allowed: nothing in <script>, <style>, a tag or attribute name or an
unquoted attribute; only struct url in href, src, action and the like; no attribute that holds code
or style (on..., style).
"""
import argparse
import re
import sys
from pathlib import Path

TOKEN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
URL_ATTRIBUTES = {"href", "xlink:href", "src", "srcset", "action", "formaction", "poster", "cite",
                  "data", "ping", "background", "manifest"}
TAG_START = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9-]*)")
DOCTYPE = re.compile(r"<!doctype html>", re.I)
ATTRIBUTE = re.compile(r"([a-zA-Z_:@][-a-zA-Z0-9_:.]*)\s*=\s*\Z")
LITERAL_WIDTH = 72


class Mistake(Exception):
    pass


class Place:
    """Where in the HTML the text so far has ended."""

    def __init__(self):
        self.tag = None        # inside <tag ...
        self.quote = None      # inside an attribute value
        self.attribute = None  # whose value it is
        self.raw = None        # inside <script> or <style>
        self.recent = ""       # since the tag began

    def state(self):
        return (self.tag, self.quote, self.attribute, self.raw)

    def copy(self):
        other = Place()
        other.__dict__.update(self.__dict__)
        return other

    def feed(self, text):
        at = 0
        while at < len(text):
            if self.raw:
                at = self._feed_raw(text, at)
            elif self.quote:
                at = self._feed_value(text, at)
            elif self.tag:
                at = self._feed_tag(text, at)
            else:
                at = self._feed_text(text, at)

    def _feed_text(self, text, at):
        if text.startswith("<!--", at):
            end = text.find("-->", at)
            if end < 0:
                raise Mistake("a value or tag inside an HTML comment; use {# #}")
            return end + 3
        found = TAG_START.match(text, at)
        if found:
            self.tag, self.recent = found.group(1).lower(), ""
            return found.end()
        doctype = DOCTYPE.match(text, at)
        if doctype:
            return doctype.end()
        if text[at] == "<":  # a value behind it would name a tag
            raise Mistake("a < that starts no tag; write &lt;")
        return at + 1

    def _feed_tag(self, text, at):
        char = text[at]
        if char == ">":
            self.raw = self.tag if self.tag in ("script", "style") else None
            self.tag = None
        elif char in "\"'":
            found = ATTRIBUTE.search(self.recent)
            if not found:
                raise Mistake(f"a quote in <{self.tag}> without an attribute before it")
            self.quote, self.attribute = char, found.group(1).lower()
            if self.attribute.startswith("on") or self.attribute in ("style", "srcdoc"):
                raise Mistake(f"attribute {self.attribute}: "
                              "code, style and documents belong into files")
        self.recent += char
        return at + 1

    def _feed_value(self, text, at):
        end = text.find(self.quote, at)
        if end < 0:
            return len(text)
        self.quote = self.attribute = None
        self.recent = ""
        return end + 1

    def _feed_raw(self, text, at):
        end = text.lower().find("</" + self.raw, at)
        if text[at:end if end >= 0 else None].strip():
            raise Mistake(f"<{self.raw}> with content: code and style belong into files")
        if end < 0:
            return len(text)
        self.tag, self.raw, self.recent = "/" + self.raw, None, ""
        return end + len(self.tag) + 1

    def writer(self):
        """The function that may write a value here."""
        if self.raw:
            raise Mistake(f"a value inside <{self.raw}>")
        if self.quote:
            return "html_put_url" if self.attribute in URL_ATTRIBUTES else "html_put"
        if self.tag:
            raise Mistake("a value inside a tag must stand in a quoted attribute")
        return "html_put"


def c_literal(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = escaped.replace("\t", "\\t").replace("??", "?\\?")
    parts, line = [], ""
    for piece in re.findall(r"\\.|[^\\]", escaped):
        line += piece
        if len(line) >= LITERAL_WIDTH or piece == "\\n":
            parts.append(line)
            line = ""
    if line:
        parts.append(line)
    return "\n        ".join(f'"{part}"' for part in parts)


class Compiler:
    def __init__(self, name, text):
        self.name, self.text = name, text
        self.out, self.blocks, self.place = [], [], Place()
        self.line, self.template = 1, None

    def emit(self, code):
        indent = "    " * (1 + len(self.blocks))
        self.out.append(f'#line {self.line} "{self.name}"\n{indent}{code}')

    def markup(self, text):
        if self.template is None:
            if text.strip():
                raise Mistake("text before {% template %}")
            return
        self.place.feed(text)
        text = re.sub(r"\n\s*", "\n", text) if self.place.raw is None else text
        if text and not (text.isspace() and "\n" in text and not self.blocks):
            self.emit(f"html_markup(out, {c_literal(text)});")

    def value(self, expression):
        if self.template is None:
            raise Mistake("a value before {% template %}")
        self.emit(f"{self.place.writer()}(out, {expression});")

    def directive(self, words):
        kind = words[0] if words else ""
        if kind == "template" and len(words) >= 3 and self.template is None:
            self.template = (words[1], " ".join(words[2:]))
        elif self.template is None:
            raise Mistake("the first thing in a file is {% template NAME TYPE %}")
        elif kind == "if" and len(words) > 1:
            self.emit(f"if ({' '.join(words[1:])}) {{")
            self.blocks.append(["if", self.place.copy(), None])
        elif kind == "else" and len(words) == 1:
            self.otherwise()
        elif kind == "for" and len(words) >= 6 and words[2] == "in" and "count" in words:
            self.loop(words)
        elif kind == "call" and len(words) >= 3:
            self.writer_for_call()
            self.emit(f"html_{words[1]}(out, {' '.join(words[2:])});")
        elif kind == "end" and len(words) == 1:
            self.end()
        else:
            raise Mistake(f"cannot read {{% {' '.join(words)} %}}")

    def writer_for_call(self):
        if self.place.tag or self.place.quote or self.place.raw:
            raise Mistake("{% call %} inside a tag")

    def otherwise(self):
        if not self.blocks or self.blocks[-1][0] != "if" or self.blocks[-1][2]:
            raise Mistake("{% else %} without {% if %}")
        block = self.blocks[-1]
        block[2] = self.place.state()
        self.place = block[1].copy()
        self.out.append("    " * len(self.blocks) + "} else {")

    def loop(self, words):
        at = words.index("count")
        item, array, count = words[1], " ".join(words[3:at]), " ".join(words[at + 1:])
        self.emit(f"for (size_t {item}_at = 0; {item}_at < ({count}); {item}_at++) {{")
        self.blocks.append(["for", self.place.copy(), None])
        self.emit(f"__typeof__(&({array})[0]) {item} = &({array})[{item}_at];")

    def end(self):
        if not self.blocks:
            raise Mistake("{% end %} without a block")
        kind, before, first = self.blocks.pop()
        expected = first if first is not None else before.state()
        if self.place.state() != expected:
            raise Mistake(f"the ways through {{% {kind} %}} end in different places of the HTML")
        self.out.append("    " * (1 + len(self.blocks)) + "}")

    def run(self, includes):
        at = 0
        for found in TOKEN.finditer(self.text):
            self.step(self.markup, self.text[at:found.start()])
            self.line = self.text.count("\n", 0, found.start()) + 1
            token = found.group()
            if token.startswith("{{"):
                self.step(self.value, token[2:-2].strip())
            elif token.startswith("{%"):
                self.step(self.directive, token[2:-2].split())
            at = found.end()
            self.line = self.text.count("\n", 0, at) + 1
        self.step(self.markup, self.text[at:])
        if self.template is None or self.blocks:
            what = "no {% template %}" if self.template is None else "a block is not ended"
            raise Mistake(f"{self.name}:{self.line}: {what}")
        name, kind = self.template
        head = "".join(f'#include "{include}"\n' for include in includes)
        return (f"/* Made by tools/html2c.py. */\n{head}\n"
                f"void html_{name}(struct html *out, const {kind} *page)\n{{\n    (void)page;\n"
                + "\n".join(self.out) + "\n}\n")

    def step(self, function, argument):
        try:
            function(argument)
        except Mistake as mistake:
            raise Mistake(f"{self.name}:{self.line}: {mistake}") from None


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("template", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--include", action="append", default=[], help="header of the page's type")
    options = parser.parse_args(arguments)
    try:
        text = Compiler(str(options.template), options.template.read_text(encoding="utf-8"))
        options.output.write_text(text.run(options.include), encoding="utf-8")
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
