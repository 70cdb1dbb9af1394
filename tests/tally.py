# SPDX-License-Identifier: Apache-2.0
"""Counts the results that `./dev test` left in a folder and prints `N passed, N failed, N skipped`.

Three kinds of files are read, one set for each stage:
  STAGE.meson.json   Meson's log, one JSON object a line, with STAGE.cases/ beside it: cmocka's
                     XML of each program.  A program without XML is counted by its TAP lines or
                     its exit code.
  STAGE.junit.xml    pytest's results
  STAGE.broken       a stage that ended early: one failure, with its reason
Names of what failed or was skipped are printed before the last line.  Exit status 1 if anything
failed.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

TAP_LINE = re.compile(r"^(not ok|ok)\b(?:\s+\d+)?(.*)$", re.MULTILINE)
MESON_PASSED = {"OK", "EXPECTEDFAIL"}
MESON_SKIPPED = {"SKIP"}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, outcome, name, detail=""):
        if outcome == "passed":
            self.passed += 1
        elif outcome == "skipped":
            self.skipped.append((name, detail))
        else:
            self.failed.append((name, detail))

    def line(self):
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def first_line(text):
    lines = (text or "").strip().splitlines()
    return lines[0] if lines else ""


def xml_cases(path):
    """(outcome, name, detail) of each case of a JUnit file; None for one that was cut off."""
    try:
        root = xml.parse(path).getroot()
    except (xml.ParseError, OSError):
        return None
    cases = []
    for case in root.iter("testcase"):
        name = "::".join(filter(None, [case.get("classname"), case.get("name")]))
        outcome, detail = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, detail = "failed", first_line(child.get("message") or child.text)
            elif child.tag == "skipped" and outcome == "passed":
                outcome, detail = "skipped", first_line(child.get("message") or child.text)
        cases.append((outcome, name, detail))
    return cases


def tap_cases(text):
    cases = []
    for verdict, rest in TAP_LINE.findall(text or ""):
        skipped = re.search(r"#\s*skip\S*\s*(.*)", rest, re.IGNORECASE)
        if skipped:
            cases.append(("skipped", rest.split("#")[0].strip(" -"), skipped.group(1)))
        else:
            cases.append(("passed" if verdict == "ok" else "failed", rest.strip(" -"), ""))
    return cases


def program_cases(test, cases_folder):
    """The cases of one test program of Meson's log."""
    key = max(
        (part for part in test["command"] if "/tests/" in part and "cmocka-cases" not in part),
        key=len,
        default="",
    ).replace("/", "_")
    for part, program in zip(test["command"], test["command"][1:]):
        if part.endswith("/with_postgres.py"):  # it names the file of the same program anew
            key = program.replace("/", "_") + "-postgres"
    cases, broken = [], False
    for path in sorted(cases_folder.glob("*.xml")):
        if key and path.name.startswith(key + "."):
            found = xml_cases(path)
            broken = broken or found is None
            cases += found or []
    if not cases and not broken:
        cases = tap_cases(test.get("stdout"))
    return cases


def add_meson_log(tally, log):
    stage = log.name.removesuffix(".meson.json")
    for line in log.read_text().splitlines():
        test = json.loads(line)
        cases = program_cases(test, log.parent / f"{stage}.cases")
        for outcome, name, detail in cases:
            tally.add(outcome, f"{stage}: {test['name']}: {name}", detail)
        if test["result"] in MESON_SKIPPED and not cases:
            tally.add("skipped", f"{stage}: {test['name']}", first_line(test.get("stdout")))
        elif test["result"] in MESON_PASSED:
            if not cases:
                tally.add("passed", test["name"])
        elif not any(outcome == "failed" for outcome, _, _ in cases):
            # Crashed, ran out of time, leaked: no case says so, the program does.
            detail = f"{test['result'].lower()}, status {test.get('returncode')}"
            tally.add("failed", f"{stage}: {test['name']}", detail)


def add_junit(tally, path):
    cases = xml_cases(path)
    if cases is None:
        tally.add("failed", path.name, "cannot be read")
    for outcome, name, detail in cases or []:
        tally.add(outcome, name, detail)


def tally_folder(folder):
    tally = Tally()
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".meson.json"):
            add_meson_log(tally, path)
        elif path.name.endswith(".junit.xml"):
            add_junit(tally, path)
        elif path.name.endswith(".broken"):
            tally.add("failed", path.name.removesuffix(".broken"), first_line(path.read_text()))
    if tally.passed == 0 and not tally.failed:
        tally.add("failed", "no test ran at all")
    return tally


def main(arguments):
    tally = tally_folder(pathlib.Path(arguments[1]))
    for word, entries in (("skipped", tally.skipped), ("failed", tally.failed)):
        for name, detail in entries:
            print(f"{word}: {name}" + (f" ({detail})" if detail else ""))
    print(tally.line())
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
