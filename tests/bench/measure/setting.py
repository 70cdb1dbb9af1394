# SPDX-License-Identifier: Apache-2.0
"""What all rows share: where things lie, how long to measure, and figures of processes."""
import dataclasses
import os
import pathlib
import statistics
import time

TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Setting:
    root: pathlib.Path
    folder: pathlib.Path
    binary: pathlib.Path
    peer: str
    quick: bool
    rounds: int
    counter: int = 0
    load: float = dataclasses.field(default_factory=lambda: os.getloadavg()[0])

    def seconds(self, full):
        """How long one measurement runs."""
        return max(1, full // 2) if self.quick else full

    def new_folder(self, name):
        self.counter += 1
        folder = self.folder / f"{self.counter}-{name}"
        folder.mkdir()
        folder.chmod(0o755)
        return folder


def family(pid):
    """The process and all of its descendants: nginx and PostgreSQL work in children."""
    pids = [pid]
    for parent in pids:
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                pids += [int(child) for child in task.read_text().split()]
            except OSError:
                pass
    return pids


def cpu_seconds(pid):
    """User and system time of a process and its children, those that have ended included."""
    total = 0
    for each in family(pid):
        try:
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICK


def memory_mb(pid, field="VmRSS"):
    total = 0
    for each in family(pid):
        for line in pathlib.Path(f"/proc/{each}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                total += int(line.split()[1])
    return total / 1024


def reset_peak(pid):
    for each in family(pid):
        pathlib.Path(f"/proc/{each}/clear_refs").write_text("5")


class Meter:
    """CPU seconds of a process and of the clock, between `with` and its end."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.cpu = cpu_seconds(self.pid)
        self.wall = time.monotonic()
        return self

    def __exit__(self, *_):
        self.wall = time.monotonic() - self.wall
        self.cpu = cpu_seconds(self.pid) - self.cpu


def medians(samples):
    """One dict out of those of several rounds."""
    return {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
