# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared.  Each lives in a folder of its own, listens on a free port of
127.0.0.1, and is ended by its id when its `with` ends."""
import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
USER, PASSWORD = "bench", "bench-password-1"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """`name` is its column in the tables; `repository` is one that may be pushed to."""

    name = ""
    ready_path = "/"
    repository = "bench/app"

    def __init__(self, setting, **options):
        self.setting = setting
        self.options = options
        self.folder = setting.new_folder(self.name)
        self.port = free_port()
        self.process = None
        self.ready_after_s = 0.0

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder)}

    def prepare(self):
        pass

    def headers(self, actions="pull,push"):
        """What a client sends to prove who it is."""
        return {}

    def __enter__(self):
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        begun = time.monotonic()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.folder,
                start_new_session=True,
            )
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > begun + START_TIMEOUT_S:
                text = (self.folder / "log").read_text(errors="replace")[-3000:]
                raise SystemExit(f"{self.name} did not start:\n{text}")
            time.sleep(0.001)
        self.ready_after_s = time.monotonic() - begun

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(f"GET {self.ready_path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
                return link.recv(12).split(b" ")[1:2] in ([b"200"], [b"401"])
        except OSError:
            return False

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Berth(Server):
    name = "berth"
    ready_path = "/readyz"

    def command(self):
        return [self.setting.binary, "serve"]

    def environment(self):
        own = {
            "BERTH_DATA": self.folder / "data",
            "BERTH_LISTEN": f"127.0.0.1:{self.port}",
            "BERTH_LIMIT_CONNECTIONS_PER_ADDRESS": "10000",
            **self.options.get("settings", {}),
        }
        return {**super().environment(), **{key: str(value) for key, value in own.items()}}

    def run(self, *words, stdin=""):
        subprocess.run(
            [self.setting.binary, *words],
            input=stdin,
            text=True,
            check=True,
            capture_output=True,
            timeout=120,
            env=self.environment(),
            cwd=self.folder,
        )

    def prepare(self):
        self.run("migrate")
        address = f"{USER}@example.org"
        self.run("user", "add", USER, "--email", address, "--password-stdin", stdin=PASSWORD + "\n")

    def headers(self, actions="pull,push"):
        """A bearer token, as docker gets one; it lasts five minutes, so each run asks anew."""
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        scope = f"repository:{self.repository}:{actions}"
        link.request(
            "GET",
            f"/token?service=berth&scope={scope}&scope=registry:catalog:*",
            headers={"Authorization": f"Basic {login}"},
        )
        answer = link.getresponse()
        body = answer.read()
        link.close()
        if answer.status != 200:
            raise SystemExit(f"no token: {answer.status} {body!r}")
        return {"Authorization": f"Bearer {json.loads(body)['token']}"}


class BerthOnPostgres(Berth):
    name = "berth-postgresql"

    def __enter__(self):
        sys.path.insert(0, str(self.setting.root / "tests"))
        from with_postgres import Postgres  # pylint: disable=import-outside-toplevel

        self.postgres = Postgres(fsync=True)
        self.postgres.__enter__()
        self.options["settings"] = {"BERTH_DATABASE": self.postgres.url()}
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        self.postgres.__exit__()


class Peer(Server):
    """docker-registry as its manual sets it up for production, without a log of requests and
    without authentication, which spares it work that ours does."""

    name = "docker-registry"
    ready_path = "/v2/"

    def command(self):
        return [self.setting.peer, "serve", self.folder / "settings.yml"]

    def prepare(self):
        (self.folder / "settings.yml").write_text(
            f"""version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  cache: {{blobdescriptor: inmemory}}
  filesystem: {{rootdirectory: {self.folder / "data"}, maxthreads: 100}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{self.port}"}}
"""
        )


class Nginx(Server):
    """Static files, as the limit of what a server of files can do here."""

    name = "nginx"

    @staticmethod
    def is_installed():
        return shutil.which("nginx", path="/usr/sbin:/usr/bin") is not None

    def command(self):
        return ["/usr/sbin/nginx", "-p", self.folder, "-c", self.folder / "settings"]

    def prepare(self):
        (self.folder / "files").mkdir()
        (self.folder / "files/index.html").write_text("nginx\n")
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "settings").write_text(
            f"""{user} daemon off; worker_processes auto; pid {self.folder}/pid;
error_log {self.folder}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  open_file_cache max=100;
  client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2;
  fastcgi_temp_path {self.folder}/t3; uwsgi_temp_path {self.folder}/t4;
  scgi_temp_path {self.folder}/t5;
  server {{ listen 127.0.0.1:{self.port}; root {self.folder}/files; }}
}}
"""
        )

    def add_file(self, name, content):
        (pathlib.Path(self.folder) / "files" / name).write_bytes(content)
