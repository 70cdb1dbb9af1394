# SPDX-License-Identifier: Apache-2.0
"""Shows each rule of tests/tidy a tree that it must refuse and one that it must let pass.

A sample is a dict of path to text.  Every rule needs one of each: a rule that cannot fail checks
nothing.
"""
import pathlib
import sys
import tempfile

import rules_project
import rules_source
from tree import RULES, CannotCheck, Tree

MARK = "TO" + "DO"
PRIVATE = "/wo" + "rk/"
SPDX = "/* " + rules_source.SPDX + " */\n"
LONG_BODY = "    x++;\n" * 71
ROUTE = '{ METHOD_GET, "/v2/{name}/x", ACCESS_PULL, x_get, "x" },\n'
TABLE = "/* clang-format off */\n1\n/* clang-format on */\n"
SETTING = 'SETTING(LISTEN, "", "listen", LISTEN,\n        "localhost:5000", "", "")\n'

# rule: (trees to refuse, trees to let pass)
SAMPLES = {
    "spdx_line_first": (
        [{"src/base/a.c": "int a;\n"}, {"tools/run": "#!/bin/sh\necho\n"}],
        [
            {
                "src/base/a.c": SPDX + "int a;\n",
                "tools/run": "#!/bin/sh\n# " + rules_source.SPDX + "\n",
            }
        ],
    ),
    "pragma_once": ([{"src/base/a.h": "int a;\n"}], [{"src/base/a.h": "#pragma once\nint a;\n"}]),
    "own_header_first": (
        [{"src/base/a.h": "", "src/base/a.c": '#include <stdio.h>\n#include "base/a.h"\n'}],
        [
            {"src/base/a.h": "", "src/base/a.c": '#include "base/a.h"\n#include <stdio.h>\n'},
            {"src/base/b.c": "#include <stdio.h>\n"},
        ],
    ),
    "file_length": (
        [{"src/base/a.c": "\n" * 601}, {"tools/a.py": "\n" * 601}],
        [{"src/base/a.c": "\n" * 600}],
    ),
    "function_length": (
        [
            {"src/base/a.c": "static int a(int x)\n{\n" + LONG_BODY + "}\n"},
            {"tools/a.py": "def a(x):\n" + "    x += 1\n" * 71},
        ],
        [
            {
                "src/base/a.c": "int a(int x)\n{\n" + LONG_BODY[9:] + "}\n",
                "tools/a.py": "def a(x):\n" + "    x += 1\n" * 70,
            },
            {"src/base/b.c": "static const int table[] = {\n" + "    1,\n" * 200 + "};\n"},
        ],
    ),
    "parameter_count": (
        [
            {"src/base/a.c": "int a(int b, int c, int d,\n    int e, int f, int g, int h)\n{\n}\n"},
            {"src/base/a.h": "NODISCARD bool a(int, int, int, int, int, int, int);\n"},
        ],
        [
            {
                "src/base/a.h": "bool a(int b, int c, int d, void (*e)(int, int), int g, ...);\n"
                "bool b(struct hub *hub, struct arena *arena, int b, int c, int d, int e, "
                "int f, int g,\n       struct error *err);\n"
            }
        ],
    ),
    "line_length": (
        [{"src/base/a.c": "/" * 101 + "\n"}, {"src/base/a.c": TABLE + "/" * 101 + "\n"}],
        [{"src/base/a.c": "/" * 100 + "\n"}, {"src/base/a.c": TABLE.replace("1", "1" * 101)}],
    ),
    "plain_whitespace": (
        [
            {"src/base/a.c": "int a; \n"},
            {"src/base/a.c": "\tint a;\n"},
            {"doc/a.md": "a"},
            {"doc/a.md": "a\n\n"},
            {"doc/a.md": "a\r\n"},
        ],
        [{"doc/a.md": "a\n\nb\n", "doc/b.md": ""}],
    ),
    "banned_functions": (
        [
            {"src/base/a.c": "x = atoi(y);\n"},
            {"src/base/a.c": "system (y);\n"},
            {"src/base/a.c": "goto out;\n"},
            {"tests/unit/base/test_a.c": "rand();\n"},
        ],
        [{"src/base/a.c": '/* atoi(x) */ x.system(y); x->rand(); my_atoi(z); p("goto");\n'}],
    ),
    "no_marks": (
        [{"src/base/a.c": f"/* {MARK} later */\n"}, {"doc/a.md": f"{MARK}: write\n"}],
        [{"doc/HACKING.md": f"{MARK}S HACKING\n"}],
    ),
    "no_sql_in_c": (
        [
            {"src/hub/a.c": 'x("SELECT 1");\n'},
            {"src/hub/a.c": 'x("INSERT INTO t");\n'},
            {"src/api/a.c": 'x("UPDATE t SET a = 1");\n'},
            {"src/hub/a.c": "x((struct sql){ y });\n"},
        ],
        [
            {
                "src/hub/a.c": '/* "SELECT 1" */ x("DELETE");\nx("SELECTED UPDATE");\n',
                "src/db/a.c": 'x("SELECT 1");\n',
            }
        ],
    ),
    "no_private_places": (
        [{"doc/a.md": f"see {PRIVATE}main\n"}, {"dev": "curl https://deb." + "debian.org\n"}],
        [{"doc/a.md": "see /usr/bin, net/work/x and framework/y\n"}],
    ),
    "headers_compile_alone": (
        [{"src/base/a.h": "size_t a;\n"}],
        [
            {
                "src/base/a.h": '#include <stddef.h>\n#include "base/b.h"\nextern size_t a;\n',
                "src/base/b.h": "extern int b;\n",
            }
        ],
    ),
    "clang_format_clean": (
        [{"src/base/a.c": "int a( void ){return 1;}\n"}],
        [{"src/base/a.c": "int a(void)\n{\n    return 1;\n}\n"}],
    ),
    "include_layering": (
        [
            {"src/base/a.c": '#include "oci/a.h"\n'},
            {"src/db/a.h": '#include "storage/a.h"\n'},
            {"src/hub/a.c": '#include "registry/a.h"\n'},
            {"src/api/a.c": '#include "web/a.h"\n'},
            {"src/base/a.c": '#include "a.h"\n'},
            {"src/misc/a.c": "\n"},
        ],
        [
            {
                "src/hub/a.c": '#include "hub/b.h"\n#include "db/db.h"\n#include <x.h>\n',
                "src/main.c": '#include "cli/cli.h"\n',
            }
        ],
    ),
    "internal_headers_stay_inside": (
        [{"src/hub/a.c": '#include "db/db_internal.h"\n'}],
        [
            {
                "src/db/a.c": '#include "db/db_internal.h"\n',
                "tests/unit/db/test_a.c": '#include "db/db_internal.h"\n',
            }
        ],
    ),
    "unit_test_for_each_module": (
        [
            {"src/base/a.c": "", "tests/unit/oci/test_a.c": ""},
            {"src/main.c": "", "tests/unit/test_main.c": ""},
        ],
        [{"src/base/a.c": "", "tests/unit/base/test_a.c": "", "src/main.c": ""}],
    ),
    "exceptions_still_exist": (
        [{"src/base/a.c": ""}],
        [
            dict.fromkeys(
                [
                    *rules_project.NO_UNIT_TEST,
                    *rules_project.TESTED_WITH,
                    *rules_project.TESTED_WITH.values(),
                ],
                "",
            ),
            {"doc/a.md": ""},
        ],
    ),
    "unit_tests_are_built": (
        [
            {"tests/unit/base/test_a.c": "", "tests/unit/base/meson.build": "['b']\n"},
            {"tests/fuzz/fuzz_a.c": ""},
        ],
        [{"tests/unit/base/test_a.c": "", "tests/unit/base/meson.build": "['a']\n"}],
    ),
    "test_names_are_sentences": (
        [{"tests/unit/base/test_a.c": "static void test_a(void **state)\n{\n"}],
        [{"tests/unit/base/test_a.c": "static void test_a__returns_nothing(void **state)\n"}],
    ),
    "readme_in_each_folder": (
        [{"src/base/a.c": ""}],
        [{"src/base/a.c": "", "src/base/README.md": "", "src/main.c": ""}],
    ),
    "routes_are_tested": (
        [{"src/api/routes.c": ROUTE}],
        [
            {"src/api/routes.c": ROUTE, "tests/blackbox/test_a.py": '"GET /v2/{name}/x"\n'},
            {"src/api/routes.c": ROUTE, "tests/unit/api/test_a.c": 'call("/v2/{name}/x");\n'},
        ],
    ),
    "routes_name_their_access": (
        [{"src/api/routes.c": ROUTE.replace("PULL", "UNSET")}],
        [{"src/api/routes.c": ROUTE}],
    ),
    "fuzz_targets_have_a_corpus": (
        [{"tests/fuzz/fuzz_a.c": ""}, {"tests/fuzz/fuzz_a.c": "", "tests/fuzz/corpus/b/1": ""}],
        [{"tests/fuzz/fuzz_a.c": "", "tests/fuzz/corpus/a/1": "x"}],
    ),
    "settings_are_documented": (
        [{"src/cli/settings.def": SETTING}],
        [{"src/cli/settings.def": SETTING, "doc/manual/settings.md": "`BERTH_LISTEN`\n"}],
    ),
    "links_lead_somewhere": (
        [{"doc/a.md": "[b](b.md)\n"}, {"README.md": "[b](doc)\n"}],
        [{"doc/a.md": "[b](b.md#x) [c](https://example.org/) [d](#e)\n", "doc/b.md": ""}],
    ),
}


def findings(rule, sample):
    with tempfile.TemporaryDirectory(prefix="berth-tidy-") as folder:
        for path, text in sample.items():
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        style = pathlib.Path(__file__).parents[2] / ".clang-format"
        (pathlib.Path(folder) / ".clang-format").write_bytes(style.read_bytes())
        return list(RULES[rule](Tree(folder)))


def problems(rule):
    if rule not in SAMPLES:
        return ["has no samples"]
    bad, good = SAMPLES[rule]
    found = [f"let pass: {sample}" for sample in bad if not findings(rule, sample)]
    for sample in good:
        found += [f"refused: {finding}" for finding in findings(rule, sample)]
    return found


def main():
    failed = False
    print(f"1..{len(RULES)}")
    for number, rule in enumerate(RULES, 1):
        try:
            found = problems(rule)
        except CannotCheck as reason:
            print(f"ok {number} - {rule} # SKIP {reason}")
            continue
        print(f"{'not ok' if found else 'ok'} {number} - {rule} tells bad from good")
        for problem in found:
            print(f"# {problem}")
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
