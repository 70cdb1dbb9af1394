#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes PostgreSQL away from writing threads, again and again, and compares what they were told
with what is stored.

    postgres_restart.py POSTGRES_WRITER

Each round stops the server in one of three ways and starts it again after a moment.  Then:
  - what was acknowledged is stored, once;
  - nothing that was refused is stored, nor anything twice;
  - no write failed: all were repeated or found until the server was back;
  - writing and reading have gone on by themselves after each round.
Prints its results as TAP.
"""
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from with_postgres import Postgres  # noqa: E402

AWAY_SECONDS = 0.4
PROGRESS_SECONDS = 20


class Writer:
    def __init__(self, program, url):
        self.process = subprocess.Popen(
            [program],
            env={**os.environ, "BERTH_TEST_DATABASE": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.made, self.failed, self.unread, self.reads = [], {}, [], 0
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def _listen(self):
        for line in self.process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "made":
                self.made.append(int(rest))
            elif word == "failed":
                number, _, why = rest.partition(" ")
                self.failed[int(number)] = why
            elif word == "unread":
                self.unread.append(rest)
            elif word == "read":
                self.reads += 1

    def goes_on(self):
        """Waits until a hundred more writes and a few reads are done."""
        made, reads = len(self.made), self.reads
        deadline = time.monotonic() + PROGRESS_SECONDS
        while len(self.made) < made + 100 or self.reads < reads + 3:
            if time.monotonic() > deadline or self.process.poll() is not None:
                return False
            time.sleep(0.02)
        return True

    def end(self):
        self.process.stdin.close()
        try:
            status = self.process.wait(60)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.thread.join()
        return status


def stop_fast(server):
    """Everybody is told to go: 57P01."""
    server.stop()
    time.sleep(AWAY_SECONDS)
    server.start()


def kill(server):
    """The server is gone without a word; its log is replayed at the next start: 57P03."""
    server.kill()
    time.sleep(AWAY_SECONDS)
    server.start()


def kill_one(server):
    """One process of it dies, upon which it throws everybody out and recovers by itself: 57P02."""
    pid = server.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'berth' LIMIT 1")
    server.kill_process(int(pid))


class Results:
    def __init__(self):
        self.count, self.all_good = 0, True

    def add(self, good, name, detail=""):
        self.count += 1
        self.all_good = self.all_good and good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good and detail:
            print(f"# {detail}")


def check(results, writer, stored):
    made = set(writer.made)
    results.add(len(writer.made) == len(made) and len(made) > 300, "enough was written", len(made))
    results.add(
        made <= set(stored), "what was acknowledged is stored", sorted(made - set(stored))[:5]
    )
    results.add(len(stored) == len(set(stored)), "nothing is stored twice")
    results.add(
        set(stored) <= made, "what was refused is not stored", sorted(set(stored) - made)[:5]
    )
    results.add(not writer.failed, "no write failed", list(writer.failed.items())[:3])
    # A read that has begun cannot go on at another moment.
    results.add(len(writer.unread) <= 4, "reads failed only in their middle", writer.unread[:5])


def main(program):
    results = Results()
    with Postgres(fsync=True) as server:
        server.query("CREATE TABLE numbered (number BIGINT NOT NULL)")
        writer = Writer(program, server.url())
        try:
            results.add(writer.goes_on(), "writing begins")
            for way in (stop_fast, kill, kill_one, stop_fast, kill):
                way(server)
                results.add(
                    writer.goes_on(),
                    f"writing goes on after {way.__name__}",
                    server.log.read_text(errors="replace")[-300:].replace("\n", " | "),
                )
        finally:
            status = writer.end()
        results.add(status == 0, "the writer ends by itself")
        server.wait_until_ready()
        stored = [int(line) for line in server.query("SELECT number FROM numbered").split()]
        check(results, writer, stored)
    print(f"1..{results.count}")
    return 0 if results.all_good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
