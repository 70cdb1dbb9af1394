# SPDX-License-Identifier: Apache-2.0
"""A Berth server of a test's own: fresh data folder, free port, accounts made by its command
line."""
import http.client
import json
import pathlib
import re
import signal
import subprocess

from harness.database import new_database
from harness.process import Process, clean_environment, free_port

PASSWORDS = {"captain": "captain-password", "alice": "alice-password", "bob": "bob-password"}
ADMINISTRATOR = "captain"
SANITIZER_REPORT = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


class CommandResult:
    def __init__(self, completed):
        self.status = completed.returncode
        self.out, self.err = completed.stdout, completed.stderr

    def json(self):
        return json.loads(self.out)


class Berth:
    def __init__(self, binary, folder, settings=None):
        self.binary, self.folder = pathlib.Path(binary), pathlib.Path(folder)
        self.settings = {f"BERTH_{name.upper()}": value for name, value in (settings or {}).items()}
        self.data = self.folder / "data"
        self.database = new_database(self.data)
        if self.database.setting:
            self.settings.setdefault("BERTH_DATABASE", self.database.setting)
        self.log = self.folder / "berth.log"
        self.port = free_port()
        self.process = None

    @property
    def address(self):
        """As it stands in front of image names; docker takes plain http for it."""
        return f"localhost:{self.port}"

    @property
    def url(self):
        return f"http://{self.address}"

    def environment(self):
        return clean_environment(
            HOME=self.folder, BERTH_DATA=self.data, BERTH_LISTEN=self.address, **self.settings
        )

    def start(self):
        assert self.process is None or not self.process.is_running()
        self.process = Process([self.binary, "serve"], self.log, self.environment(), self.folder)
        self.process.wait_until(self.is_ready, "berth")
        return self

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self):
        """Ends it as an administrator would, and looks at how it ended."""
        if self.process is None:
            return
        status = self.process.stop()
        self.process = None
        assert status == 0, f"berth ended with status {status}:\n{self.log_text()[-4000:]}"
        self.check_log()

    def kill(self):
        """Cuts it off; what it had acknowledged must still be there after start()."""
        self.process.kill()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def hang_up(self):
        self.process.signal(signal.SIGHUP)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def check_log(self):
        report = SANITIZER_REPORT.search(self.log_text())
        assert not report, (
            "a sanitizer found something:\n" + self.log_text()[report.start() :][:6000]
        )

    def command(self, *words, stdin="", expect=0, environment=None):
        """Runs one command of the program and looks at its exit status (None: whatever it is)."""
        completed = subprocess.run(
            [str(self.binary), *map(str, words)],
            input=stdin,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
            cwd=self.folder,
            env={**self.environment(), **(environment or {})},
        )
        result = CommandResult(completed)
        assert not SANITIZER_REPORT.search(result.err), result.err
        if expect is not None:
            assert (
                result.status == expect
            ), f"{words}: status {result.status}\n{result.out}{result.err}"
        return result

    def add_user(self, name, *options, password=None):
        self.command(
            "user",
            "add",
            name,
            "--email",
            f"{name}@example.org",
            "--password-stdin",
            *options,
            stdin=(password or PASSWORDS[name]) + "\n",
        )

    def add_people(self):
        """An administrator and two users who have nothing to do with each other."""
        self.add_user(ADMINISTRATOR, "--admin")
        self.add_user("alice")
        self.add_user("bob")
        return self

    def sql(self, text, values=()):
        """Changes rows behind the server's back, for facts that no surface can set yet."""
        return self.database.run(text, values)
