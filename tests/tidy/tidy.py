# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of this project that no compiler knows.  Usage: tidy.py [--build DIR] [RULE...]

Prints TAP: one line for each rule, with what it found below as comments.  --build names a build
folder, whose generated headers are needed to compile the others.  How to add a rule:
doc/HACKING.md.
"""
import argparse
import pathlib
import sys

import rules_project  # noqa: F401  (registers its rules)
import rules_source  # noqa: F401
from tree import RULES, CannotCheck, Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
FINDINGS_SHOWN_MAX = 40


def run_rule(function, tree):
    """The findings of a rule, or the reason why it could not look."""
    try:
        return list(function(tree)), None
    except CannotCheck as reason:
        return [], str(reason)


def report(number, name, findings, skipped):
    if skipped:
        print(f"ok {number} - {name} # SKIP {skipped}")
        return
    print(f"{'not ok' if findings else 'ok'} {number} - {name}")
    for finding in findings[:FINDINGS_SHOWN_MAX]:
        print(f"# {finding}")
    if len(findings) > FINDINGS_SHOWN_MAX:
        print(f"# ... and {len(findings) - FINDINGS_SHOWN_MAX} more")


def main():
    parser = argparse.ArgumentParser(description="Checks the project's own rules.")
    parser.add_argument("--build", help="a build folder, for generated headers")
    parser.add_argument("rules", nargs="*", metavar="RULE", help="all of them without a name")
    arguments = parser.parse_args()
    unknown = set(arguments.rules) - set(RULES)
    if unknown:
        parser.error(f"no such rule: {', '.join(sorted(unknown))}; there are {', '.join(RULES)}")

    tree = Tree(ROOT, arguments.build)
    names = arguments.rules or list(RULES)
    print(f"1..{len(names)}")
    failed = False
    for number, name in enumerate(names, 1):
        findings, skipped = run_rule(RULES[name], tree)
        report(number, name, findings, skipped)
        failed = failed or bool(findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
