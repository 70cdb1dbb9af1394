# SPDX-License-Identifier: Apache-2.0
"""The page doc/benchmarks.md.  What people have written below the mark stays."""
import datetime
import os
import pathlib
import platform
import re
import subprocess

MARK = "<!-- written by hand from here on -->"


def number(value):
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return "not installed"
    return (done.stdout + done.stderr).strip().splitlines()[0]


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    return (
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, "
        f"{memory / 1024 / 1024:.0f} GB, Linux {platform.release()}"
    )


def table(result):
    units = result.row.units
    lines = ["| | " + " | ".join(units.values()) + " |", "|---|" + "---:|" * len(units)]
    for name, figures in result.figures.items():
        cells = [number(figures[key]) if key in figures else "-" for key in units]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("")
    for sentence, value, is_met in result.targets:
        lines.append(f"- {'met' if is_met else '**missed**'}: {sentence} ({value})")
    return lines


def page(setting, results):
    lines = [
        "# Benchmarks",
        "",
        "Written by `./dev bench registry`, which starts all programs on loopback, one beside the",
        "other on the same disk, and measures them in turns; medians of "
        f"{setting.rounds} round{'s' if setting.rounds != 1 else ''}.",
        "Clients and servers share the machine, so CPU per request or per GB is the steadier",
        "figure; differences under 25 % mean little.  berth writes its log of requests, as it does",
        "by default; the others write none and check no tokens.",
        "",
        f"- date: {datetime.date.today().isoformat()}",
        f"- machine: {machine()}",
        f"- load average when it began: {setting.load:.1f} (an idle machine: 0)",
        f"- berth: {first_line(str(setting.binary), '--version')}",
        f"- the other: {first_line(setting.peer, '--version')}",
        f"- limit for files: {first_line('/usr/sbin/nginx', '-v')}",
        "",
    ]
    for result in results:
        lines += [f"## {result.row.title}", "", result.row.note, ""] if result.row.note else []
        lines += table(result) + [""]
    return "\n".join(lines)


def write(path, text):
    below = ""
    if path.exists():
        below = path.read_text().partition(MARK)[2]
    path.write_text(f"{text}\n{MARK}{below or chr(10)}")
