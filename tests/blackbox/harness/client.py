# SPDX-License-Identifier: Apache-2.0
"""Command-line clients with a home of their own: docker, podman, buildah, skopeo, ctr."""
import json
import pathlib
import subprocess

from harness.process import Process, clean_environment

TIMEOUT_S = 60


class Failed(Exception):
    """A client gave another exit status than was expected; the text is all that it printed."""


class Output(str):
    """Everything that a client printed; stdout alone is in `.out`."""

    def __new__(cls, completed):
        text = super().__new__(cls, completed.stdout + completed.stderr)
        text.out, text.status = completed.stdout, completed.returncode
        return text

    def json(self):
        return json.loads(self.out)

    def rows(self):
        return [line.rstrip() for line in self.out.splitlines()]


class Client:
    """One program with fixed words in front of each command."""

    def __init__(self, words, environment, cwd):
        self.words, self.environment, self.cwd = [str(word) for word in words], environment, cwd

    def run(self, *arguments, stdin="", fails=False):
        command = [*self.words, *map(str, arguments)]
        binary = isinstance(stdin, bytes)
        completed = subprocess.run(
            command,
            input=stdin if binary else stdin.encode(),
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            env=self.environment,
            cwd=self.cwd,
        )
        completed.stdout = completed.stdout.decode(errors="replace")
        completed.stderr = completed.stderr.decode(errors="replace")
        output = Output(completed)
        if (output.status != 0) != fails:
            raise Failed(
                f"{' '.join(command)}\nstatus {output.status}, "
                f"expected {'a failure' if fails else '0'}\n{output}"
            )
        return output

    __call__ = run


class Docker:
    """A docker engine of the test run's own.  client() gives a person with an own configuration."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.people = 0
        self.socket = self.folder / "socket"
        self.process = None

    def start(self):
        for driver in ("overlay2", "vfs"):
            self.process = self._start(driver)
            try:
                self.process.wait_until(self.is_ready, "dockerd")
                return self
            except Exception:
                self.process.kill()
                if driver == "vfs":
                    raise
        return self

    def _start(self, driver):
        command = [
            "/usr/sbin/dockerd",
            "--iptables=false",
            "--ip-masq=false",
            "--ip-forward=false",
            "--bridge=none",
            "--storage-driver",
            driver,
            "--data-root",
            self.folder / "data",
            "--exec-root",
            self.folder / "exec",
            "--pidfile",
            self.folder / "pid",
            "-H",
            f"unix://{self.socket}",
        ]
        return Process(command, self.folder / "dockerd.log", clean_environment(HOME=self.folder))

    def is_ready(self):
        try:
            return bool(self.client().run("version", "--format", "{{.Server.Version}}"))
        except Failed:
            return False

    def client(self):
        """Somebody at another desk: same engine, own login."""
        self.people += 1
        home = self.folder / f"person-{self.people}"
        home.mkdir(parents=True)
        environment = clean_environment(
            HOME=home,
            DOCKER_CONFIG=home / "docker",
            DOCKER_BUILDKIT="0",
            DOCKER_HOST=f"unix://{self.socket}",
        )
        return Client(["/usr/bin/docker"], environment, home)

    def stop(self):
        if self.process:
            self.process.stop()


class Containerd:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "socket"
        self.process = None

    def start(self):
        config = self.folder / "config.toml"
        config.write_text(
            "version = 2\n"
            f'root = "{self.folder}/root"\nstate = "{self.folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
            f'[grpc]\n  address = "{self.socket}"\n'
            f'[ttrpc]\n  address = "{self.folder}/ttrpc"\n'
        )
        self.process = Process(
            ["/usr/bin/containerd", "-c", config],
            self.folder / "containerd.log",
            clean_environment(HOME=self.folder),
        )
        self.process.wait_until(self.is_ready, "containerd")
        return self

    def client(self):
        return Client(
            ["/usr/bin/ctr", "--address", self.socket],
            clean_environment(HOME=self.folder),
            self.folder,
        )

    def is_ready(self):
        try:
            return bool(self.client().run("version"))
        except Failed:
            return False

    def stop(self):
        if self.process:
            self.process.stop()


class Containers:
    """podman, buildah and skopeo: no daemon, one storage, an own login file for each person."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.people = 0
        (self.folder / "storage.conf").write_text(
            '[storage]\ndriver = "overlay"\n'
            f'graphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n'
        )
        (self.folder / "registries.conf").write_text("unqualified-search-registries = []\n")
        (self.folder / "policy.json").write_text(
            '{"default": [{"type": "insecureAcceptAnything"}]}'
        )

    def _client(self, *words):
        self.people += 1
        home = self.folder / f"person-{self.people}"
        (home / ".config/containers").mkdir(parents=True)
        (home / ".config/containers/policy.json").write_text(
            (self.folder / "policy.json").read_text()
        )
        (home / "run").mkdir(mode=0o700)
        (home / "auth.json").write_text("{}")
        environment = clean_environment(
            HOME=home,
            XDG_RUNTIME_DIR=home / "run",
            REGISTRY_AUTH_FILE=home / "auth.json",
            CONTAINERS_STORAGE_CONF=self.folder / "storage.conf",
            CONTAINERS_REGISTRIES_CONF=self.folder / "registries.conf",
        )
        return Client(words, environment, home)

    def podman(self):
        # runc: crun refuses machines that mount both kinds of cgroups.
        return self._client(
            "/usr/bin/podman",
            "--runtime",
            "/usr/sbin/runc",
            "--cgroup-manager",
            "cgroupfs",
            "--events-backend",
            "file",
        )

    def buildah(self):
        return self._client("/usr/bin/buildah")

    def skopeo(self):
        return self._client("/usr/bin/skopeo")
