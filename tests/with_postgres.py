#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command beside a PostgreSQL server that lives as long as the command.

    tests/with_postgres.py build-asan/tests/unit/hub/test_account
    tests/with_postgres.py --for-others meson test -C build-asan

The command finds the server in BERTH_TEST_DATABASE, a URL such as
`postgres://berth@/postgres?host=/tmp/...`; tests make databases of their own there.  If that is
set already, the command uses what it names and nothing is started: so a server of your own can be
used.  With --for-others the command itself stays on SQLite, and all with_postgres.py below it
share one server.

The server listens on a Unix socket in a new folder under /tmp, which is removed at the end.  fsync
is off; BERTH_TEST_FSYNC=1 leaves it on.  As root, all of it runs as the user postgres.

As a module (`Postgres`), for tests that stop and kill the server.
"""
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

DATABASE = "BERTH_TEST_DATABASE"  # for tests: run on this server
SHARED = "BERTH_TEST_POSTGRES"  # for us: there is one
START_SECONDS = 60
STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1

# Small, quick and without a trace: these servers live for seconds.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "full_page_writes": "off",
    "log_min_messages": "warning",
}


def programs():
    """The folder of initdb and postgres: Debian keeps them out of PATH."""
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    if newest:
        return newest.parent
    in_path = shutil.which("initdb")
    if in_path:
        return pathlib.Path(in_path).resolve().parent
    raise SystemExit("with_postgres.py: install the package postgresql (initdb was not found)")


def die_with_parent():
    """Before exec: a server whose starter was killed shuts down at once."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


class Postgres:
    def __init__(self, fsync=False):
        self.bin = programs()
        self.fsync = fsync
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-postgres-", dir="/tmp"))
        self.log = self.folder / "log"
        self.process = None
        self.user = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            self.user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self.folder.chmod(0o755)

    def url(self, database="postgres"):
        return f"postgres://berth@/{database}?host={self.folder}"

    def create(self):
        command = [self.bin / "initdb", "-D", self.folder / "data", "-U", "berth", "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        with open(self.log, "ab") as log:
            subprocess.run(
                command,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                timeout=START_SECONDS,
                **self.user,
            )

    def start(self):
        """Begins to start; wait_until_ready() waits for the end of that.  What a killed server
        leaves behind in the kernel may take a moment to go, until when the next one gives up at
        once."""
        deadline = time.monotonic() + START_SECONDS
        self._launch()
        while time.monotonic() < deadline:
            try:
                self.process.wait(0.3)
            except subprocess.TimeoutExpired:
                return
            self._launch()

    def _launch(self):
        command = [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder]
        for name, value in {**SETTINGS, "fsync": "on" if self.fsync else "off"}.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=die_with_parent,
                start_new_session=True,
                **self.user,
            )

    def is_ready(self):
        command = [self.bin / "pg_isready", "-q", "-h", self.folder]
        return subprocess.run(command, check=False).returncode == 0

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.stderr.write(self.log.read_text(errors="replace")[-4000:])
                raise SystemExit("with_postgres.py: the server did not start")
            time.sleep(0.05)

    def _end(self, how):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Whoever is connected is thrown out; what was committed is written down."""
        self._end(signal.SIGINT)

    def _children(self):
        found = []
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                if f"\nPPid:\t{self.process.pid}\n" in status.read_text():
                    found.append(int(status.parent.name))
            except OSError:
                continue  # it has ended meanwhile
        return found

    def kill(self):
        """As if the machine's power had gone, but for what the kernel still writes."""
        children = self._children()
        self._end(signal.SIGKILL)
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def kill_process(self, pid):
        """One of the server's own; the others recover from that by themselves."""
        assert pid in self._children()
        os.kill(pid, signal.SIGKILL)

    def query(self, sql, database="postgres"):
        """Its rows as psql prints them: one a line, columns apart by |."""
        completed = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-c", sql, self.url(database)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=START_SECONDS,
        )
        return completed.stdout

    def __enter__(self):
        try:
            self.create()
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def environment_for(command):
    """cmocka's results of this run must not overwrite those of the run on SQLite."""
    environment = dict(os.environ)
    cases = environment.get("BERTH_TEST_CASES")
    if cases and "CMOCKA_XML_FILE" in environment:
        name = command[0].replace("/", "_") + "-postgres"
        environment["CMOCKA_XML_FILE"] = f"{cases}/{name}.%g.xml"
    return environment


def run_beside(server_variable, command, environment):
    # SystemExit unwinds through Postgres.__exit__().
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, frame: sys.exit(128 + number))
    with Postgres(fsync=environment.get("BERTH_TEST_FSYNC") == "1") as server:
        environment[server_variable] = server.url()
        child = subprocess.Popen(command, env=environment)
        try:
            status = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
    return status if status >= 0 else 128 - status


def main(command):
    for_others = command[:1] == ["--for-others"]
    command = command[for_others:]
    if not command:
        raise SystemExit("usage: with_postgres.py [--for-others] COMMAND...")
    environment = environment_for(command)
    shared = environment.get(DATABASE) or environment.get(SHARED)
    if not shared:
        return run_beside(SHARED if for_others else DATABASE, command, environment)
    if for_others:
        environment.pop(DATABASE, None)
        environment[SHARED] = shared
    else:
        environment[DATABASE] = shared
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
