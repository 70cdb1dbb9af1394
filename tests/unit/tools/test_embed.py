# SPDX-License-Identifier: Apache-2.0
"""What tools/embed.py makes of a folder, looked at through a C compiler."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PRINTER = r"""
#include <stdio.h>
#include "base/embedded.h"
extern const struct embedded_file files[];
int main(void)
{
    for (const struct embedded_file *file = files; file->name; file++) {
        printf("%s %zu ", file->name, file->size);
        for (size_t i = 0; i <= file->size; i++)
            printf("%02x", file->bytes[i]);
        printf("\n");
    }
    return 0;
}
"""


def embed(folder, output, *more):
    return subprocess.run([sys.executable, "-B", ROOT / "tools/embed.py", folder, output,
                           "--table", "files", *more],
                          capture_output=True, text=True, check=False)


def compiled(tmp_path, folder, *more):
    result = embed(folder, tmp_path / "files.c", *more)
    assert result.returncode == 0, result.stderr
    (tmp_path / "main.c").write_text(PRINTER)
    subprocess.run(["cc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "src",
                    "-o", tmp_path / "main", tmp_path / "main.c", tmp_path / "files.c"], check=True)
    return subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout


def test_embed__gives_each_file_its_bytes_and_a_nul_in_order_of_names(tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.txt").write_bytes(bytes(range(256)))
    (folder / "a.txt").write_bytes(b"")
    (folder / "sub" / "c.txt").write_bytes(b"\0*/")
    assert compiled(tmp_path, folder) == ("a.txt 0 00\n"
                                          f"b.txt 256 {bytes(range(256)).hex()}00\n"
                                          "sub/c.txt 3 002a2f00\n")


def test_embed__takes_only_the_suffix_asked_for(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "0001_a.sql").write_bytes(b"x")
    (folder / "README.md").write_bytes(b"y")
    assert compiled(tmp_path, folder, "--suffix", ".sql") == "0001_a.sql 1 7800\n"


def test_embed__of_an_empty_folder_is_an_empty_table(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    assert compiled(tmp_path, folder) == ""


def test_embed__names_files_and_folders_in_the_dependency_file(tmp_path):
    folder = tmp_path / "in put"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(b"x")
    assert embed(folder, tmp_path / "out.c", "--depfile", tmp_path / "out.d").returncode == 0
    base = str(folder).replace(" ", "\\ ")
    assert (tmp_path / "out.d").read_text() == f"{tmp_path}/out.c: {base} {base}/sub {base}/a\n"


def test_embed__refuses_a_missing_folder_and_odd_names(tmp_path):
    result = embed(tmp_path / "none", tmp_path / "out.c")
    assert result.returncode == 1 and "is not a folder" in result.stderr
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / 'a"b').write_bytes(b"x")
    result = embed(tmp_path / "in", tmp_path / "out.c")
    assert result.returncode == 1 and "cannot embed" in result.stderr
    assert not (tmp_path / "out.c").exists()
