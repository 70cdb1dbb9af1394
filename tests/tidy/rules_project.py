# SPDX-License-Identifier: Apache-2.0
"""Rules about the project as a whole: layers, tests, documents that belong together."""
import re

from tree import Finding, rule

# A folder may include those of a smaller number, and itself.  doc/ARCHITECTURE.md explains the
# order.
LAYERS = {
    "base": 0,
    "oci": 1,
    "net": 2,
    "db": 3,
    "storage": 3,
    "hub": 4,
    "registry": 5,
    "api": 5,
    "web": 5,
    "hooks": 5,
    "worker": 5,
    "cli": 5,
}

# Modules without a unit test of their own, each with the reason.
NO_UNIT_TEST = {
    "src/main.c": "starts and stops the parts; tests/blackbox starts it",
}

# Modules that are one contract (one header) in several files: tested together, under that header's
# name.
TESTED_WITH = {
    "src/hub/check_blob.c": "tests/unit/hub/test_check.c",
    "src/hub/check_rows.c": "tests/unit/hub/test_check.c",
    "src/hub/check_store.c": "tests/unit/hub/test_check.c",
    "src/hub/check_verify.c": "tests/unit/hub/test_check.c",
    "src/hub/manifest_rows.c": "tests/unit/hub/test_manifest.c",
    "src/hub/recovery_restore.c": "tests/unit/hub/test_recovery.c",
    "src/hub/referrer.c": "tests/unit/hub/test_manifest.c",
    "src/hub/search_index.c": "tests/unit/hub/test_search.c",
    "src/hub/tag.c": "tests/unit/hub/test_manifest.c",
    "src/hub/upload_blob.c": "tests/unit/hub/test_upload.c",
    "src/hub/upload_sweep.c": "tests/unit/hub/test_upload.c",
    "src/hub/upload_turn.c": "tests/unit/hub/test_upload.c",
    "src/storage/file_list.c": "tests/unit/storage/test_file_store.c",
    "src/storage/file_notes.c": "tests/unit/storage/test_blob_store.c",
    "src/storage/memory_notes.c": "tests/unit/storage/test_blob_store.c",
    "src/storage/memory_store.c": "tests/unit/storage/test_blob_store.c",
}

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
ROUTE_ROW = re.compile(r'\{\s*METHOD_(\w+),\s*"([^"]+)",\s*ACCESS_(\w+)')
SETTING_ROW = re.compile(r"^SETTING\((\w+),", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
CMOCKA_TEST = re.compile(r"^static void (test_\w+)\(void \*\*", re.MULTILINE)


def project_includes(tree, path):
    for line, match in tree.matches(path, INCLUDE, tree.text(path)):
        yield line, match.group(1)


@rule
def include_layering(tree):
    """base < oci < net < {db, storage} < hub < {the surfaces, worker, cli} < main."""
    for path in tree.select(".c", ".h", ".def", under="src/"):
        parts = path.split("/")
        home = parts[1] if len(parts) > 2 else None  # None: src/main.c, which sees everything
        if home and home not in LAYERS:
            yield Finding(path, 1, f"src/{home} has no place in the order of the layers")
            continue
        for line, included in project_includes(tree, path):
            other = included.split("/")[0]
            if "/" not in included or other not in LAYERS:
                yield Finding(path, line, f'"{included}": include from the src root, "folder/x.h"')
            elif home and other != home and LAYERS[other] >= LAYERS[home]:
                yield Finding(path, line, f"src/{home} must not know src/{other}")


@rule
def internal_headers_stay_inside(tree):
    """x_internal.h is for its own folder and the unit tests of that folder."""
    for path in tree.select(".c", ".h"):
        for line, included in project_includes(tree, path):
            if not included.endswith("_internal.h"):
                continue
            home = included.split("/")[0]
            if not path.startswith((f"src/{home}/", f"tests/unit/{home}/")):
                yield Finding(path, line, f"{included} is internal to src/{home}")


@rule
def unit_test_for_each_module(tree):
    """src/folder/module.c has tests/unit/folder/test_module.c, or stands in one of the two
    lists."""
    for path in tree.select(".c", under="src/"):
        folder, _, name = path.removeprefix("src/").rpartition("/")
        own = f"tests/unit/{folder}/test_{name}"
        if path in NO_UNIT_TEST or path in TESTED_WITH:
            if tree.exists(own):
                yield Finding(path, 1, "has a unit test of its own now: take it out of the list")
        elif not tree.exists(own):
            yield Finding(path, 1, f"{own} is missing")


@rule
def exceptions_still_exist(tree):
    """The lists of exceptions name only what is there."""
    named = [*NO_UNIT_TEST, *TESTED_WITH, *TESTED_WITH.values()]
    for path in named if tree.exists("src") else []:
        if not tree.exists(path):
            yield Finding("tests/tidy/rules_project.py", 1, f"{path} is gone: drop its exception")


@rule
def unit_tests_are_built(tree):
    """Each test file is named in the meson.build beside it."""
    for path in tree.select(".c", under="tests/"):
        folder, _, name = path.rpartition("/")
        stem = name.removesuffix(".c").removesuffix("_laws")
        stem = re.sub(r"^(test|fuzz)_", "", stem)
        build_file = f"{folder}/meson.build"
        if not tree.exists(build_file) or not re.search(
            rf"\b(test_|fuzz_)?{stem}\b", tree.text(build_file)
        ):
            yield Finding(path, 1, f"not in {build_file}: it never runs")


@rule
def test_names_are_sentences(tree):
    """Unit tests are called test_<function>__<behaviour>."""
    for path in tree.select(".c", under="tests/unit/"):
        for line, match in tree.matches(path, CMOCKA_TEST, tree.code(path)):
            if not re.match(r"test_\w+?__\w+$", match.group(1)):
                yield Finding(path, line, f"{match.group(1)} names no behaviour")


@rule
def readme_in_each_folder(tree):
    """Each folder of src/ says what it owns, what it must not know and where to start."""
    folders = {
        "/".join(path.split("/")[:2])
        for path in tree.select(".c", ".h", under="src/")
        if path.count("/") > 1
    }
    for folder in sorted(folders):
        if not tree.exists(f"{folder}/README.md"):
            yield Finding(folder, 1, "README.md is missing")


def routes(tree):
    """(path, line, method, pattern, access) of each row of a route table."""
    for path in tree.select(".c", under="src/"):
        for line, match in tree.matches(path, ROUTE_ROW, tree.code_and_strings(path)):
            yield path, line, *match.groups()


@rule
def routes_are_tested(tree):
    """Each row of a route table is named, by its path, in a unit or black-box test."""
    tests = "\n".join(
        tree.text(path)
        for path in tree.select(".py", under="tests/blackbox/")
        + tree.select(".c", under="tests/unit/")
    )
    for path, line, method, pattern, _ in routes(tree):
        if f"{method} {pattern}" not in tests and f'"{pattern}"' not in tests:
            yield Finding(path, line, f"no test names {method} {pattern}")


@rule
def routes_name_their_access(tree):
    """No row leaves the access open."""
    for path, line, method, pattern, access in routes(tree):
        if access == "UNSET":
            yield Finding(path, line, f"{method} {pattern} does not say who may")


@rule
def fuzz_targets_have_a_corpus(tree):
    """tests/fuzz/fuzz_x.c starts from tests/fuzz/corpus/x."""
    for path in tree.select(".c", under="tests/fuzz/fuzz_"):
        name = path.rpartition("/fuzz_")[2].removesuffix(".c")
        corpus = tree.root / "tests/fuzz/corpus" / name
        if not corpus.is_dir() or not any(corpus.iterdir()):
            yield Finding(path, 1, f"tests/fuzz/corpus/{name} is missing or empty")


@rule
def settings_are_documented(tree):
    """Each row of a settings.def stands in doc/manual/settings.md, by its environment variable."""
    manual = "doc/manual/settings.md"
    for path in tree.select("settings.def", under="src/"):
        text = tree.text(manual) if tree.exists(manual) else ""
        for line, match in tree.matches(path, SETTING_ROW, tree.code_and_strings(path)):
            variable = "BERTH_" + match.group(1)
            if not re.search(rf"\b{variable}\b", text):
                yield Finding(path, line, f"{manual} does not know {variable}")


@rule
def links_lead_somewhere(tree):
    """A relative link of a document names a file that exists."""
    for path in tree.select(".md"):
        folder = (tree.root / path).parent
        for line, match in tree.matches(path, LINK, tree.text(path)):
            target = match.group(1).split("#")[0]
            if target and "://" not in target and not target.startswith("mailto:"):
                if not (folder / target).exists():
                    yield Finding(path, line, f"leads nowhere: {target}")
