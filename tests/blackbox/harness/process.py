# SPDX-License-Identifier: Apache-2.0
"""Processes that tests start: each in a group of its own, with its output in a file, ended by its
id."""
import os
import pathlib
import signal
import socket
import subprocess
import time

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 45


class NotReady(Exception):
    pass


def free_port():
    """A port that is free on both loopbacks."""
    for _ in range(100):
        with socket.socket(socket.AF_INET) as four, socket.socket(socket.AF_INET6) as six:
            four.bind(("127.0.0.1", 0))
            port = four.getsockname()[1]
            try:
                six.bind(("::1", port))
            except OSError:
                continue
            return port
    raise NotReady("no port is free on both loopbacks")


def clean_environment(**more):
    """The environment for what a test starts: none of the person's own settings, logins and
    proxies."""
    keep = ("LANG", "LC_ALL", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment["PATH"] = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment.update({name: str(value) for name, value in more.items()})
    return environment


class Process:
    """A program in the background.  `log` holds its stdout and stderr."""

    def __init__(self, command, log, environment, cwd=None):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as output:
            self.popen = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_until(self, is_ready, what):
        """Waits until the function gives true; fails at once if the process ends first."""
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            if not self.is_running():
                raise NotReady(
                    f"{what} ended with status {self.popen.returncode}:\n{self.log_text()}"
                )
            if is_ready():
                return
            time.sleep(0.02)
        raise NotReady(f"{what} was not ready after {START_TIMEOUT_S} s:\n{self.log_text()}")

    def signal(self, number):
        self.popen.send_signal(number)

    def stop(self, timeout=STOP_TIMEOUT_S):
        """Asks it to end; kills its group when it does not.  Returns the exit status."""
        if self.is_running():
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotReady(f"process {self.pid} did not end within {timeout} s") from None

    def kill(self):
        """kill -9 of the whole group, as a power cut would."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()
