#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the files of a folder into a C table (base/embedded.h), sorted by name.

    embed.py migrations/sqlite OUT/migrations_sqlite.c --table migrations_sqlite \
             --suffix .sql --depfile OUT/migrations_sqlite.c.d

The dependency file names the folder too, so that a file that is added is noticed.
"""
import argparse
import hashlib
import sys
from pathlib import Path

BYTES_PER_LINE = 20


def files_of(folder, suffix):
    """Regular files below `folder`, as (name with slashes, path), in the order of their names."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name.endswith(suffix)]
    return sorted((path.relative_to(folder).as_posix(), path) for path in paths)


def c_bytes(content):
    """The bytes and a final NUL, so that text can be used as a C string."""
    values = [f"0x{byte:02x}," for byte in content + b"\0"]
    lines = [values[at:at + BYTES_PER_LINE] for at in range(0, len(values), BYTES_PER_LINE)]
    return "\n".join("    " + "".join(line) for line in lines)


def c_name(name):
    if any(not char.isprintable() or char in '"\\' for char in name):
        raise ValueError(f"cannot embed a file called {name!r}")
    return f'"{name}"'


def source(table, files):
    parts = ['/* Made by tools/embed.py. */\n#include "base/embedded.h"\n',
             f"extern const struct embedded_file {table}[];\n"]
    rows = []
    for index, (name, content) in enumerate(files):
        parts.append(f"/* {name.replace('*/', '* /')} */\n"
                     f"static const unsigned char file_{index}[] = {{\n{c_bytes(content)}\n}};\n")
        mark = hashlib.sha256(content).hexdigest()[:16]
        rows.append(f'    {{ {c_name(name)}, file_{index}, {len(content)}, "{mark}" }},\n')
    parts.append(f"const struct embedded_file {table}[] = {{\n{''.join(rows)}"
                 "    { NULL, NULL, 0, NULL },\n};\n")
    return "\n".join(parts)


def depfile(output, folder, files):
    folders = [folder] + sorted(path for path in folder.rglob("*") if path.is_dir())
    names = [str(path).replace(" ", "\\ ") for path in folders + [path for _, path in files]]
    return f"{output}: {' '.join(names)}\n"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--table", required=True, help="name of the table in C")
    parser.add_argument("--suffix", default="", help="only files whose name ends so")
    parser.add_argument("--depfile", type=Path)
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"{options.folder}: is not a folder", file=sys.stderr)
        return 1
    files = files_of(options.folder, options.suffix)
    try:
        text = source(options.table, [(name, path.read_bytes()) for name, path in files])
    except ValueError as error:
        print(f"{options.folder}: {error}", file=sys.stderr)
        return 1
    options.output.write_text(text, encoding="utf-8")
    if options.depfile:
        options.depfile.write_text(depfile(options.output, options.folder, files), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
