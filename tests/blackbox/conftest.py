# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests from outside.

BERTH_TEST_BINARY is the release program, which docker and the like talk to;
BERTH_TEST_BINARY_CHECKED the one with
sanitizers, which the tests that speak HTTP themselves use.  `./dev test blackbox` sets both.
"""
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from harness.client import Containerd, Containers, Docker
from harness.server import PASSWORDS, Berth

ROOT = pathlib.Path(__file__).parents[2]


def binary(variable, fallback):
    path = pathlib.Path(os.environ.get(variable) or ROOT / fallback)
    if not path.exists():
        pytest.exit(
            f"{path} is not there; run ./dev test blackbox, or set {variable}", returncode=3
        )
    return path


@pytest.fixture(scope="session")
def workspace():
    """A folder with a short path (sockets bear no more than 108 bytes), gone at the end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-test-", dir="/tmp"))
    yield folder
    mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", mount], check=False)  # engines leave some behind
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_folder(workspace):
    numbers = itertools.count(1)

    def make(name):
        folder = workspace / f"{name}-{next(numbers)}"
        folder.mkdir()
        return folder

    return make


def served(server):
    """Starts a server with people in it, and at the end sees that it stops well."""
    server.start()
    try:
        yield server.add_people()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def berth(new_folder):
    """The release program; one server for all tests of docker and the like."""
    yield from served(Berth(binary("BERTH_TEST_BINARY", "build/berth"), new_folder("berth")))


@pytest.fixture(scope="session")
def checked(new_folder):
    """The program with sanitizers; one server for all tests that speak HTTP themselves."""
    yield from served(
        Berth(binary("BERTH_TEST_BINARY_CHECKED", "build-asan/src/berth"), new_folder("checked"))
    )


@pytest.fixture
def new_berth(new_folder):
    """Makes servers of a test's own, with settings: not started, so that the test can say when."""
    servers = []

    def make(**settings):
        servers.append(
            Berth(
                binary("BERTH_TEST_BINARY_CHECKED", "build-asan/src/berth"),
                new_folder("own"),
                settings,
            )
        )
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def log_of_server(request):
    """Shows the log of the servers that a failed test used, and fails it for what a sanitizer
    says."""
    servers = [
        request.getfixturevalue(name)
        for name in ("berth", "checked")
        if name in request.fixturenames
    ]
    before = [len(server.log_text()) for server in servers]
    yield
    for server, start in zip(servers, before):
        print(f"--- log of {server.binary}\n{server.log_text()[start:][-3000:]}")
        server.check_log()


def need_root():
    if os.geteuid() != 0:
        pytest.skip("container engines need root here")


@pytest.fixture(scope="session")
def engine(new_folder):
    """A docker engine of our own."""
    need_root()
    docker = Docker(new_folder("docker"))
    try:
        yield docker.start()
    finally:
        docker.stop()


@pytest.fixture
def docker(engine):
    """Somebody at a desk, not logged in."""
    return engine.client()


@pytest.fixture
def log_in(engine, berth):
    """log_in("alice") gives a docker client where alice has logged in."""

    def make(name):
        client = engine.client()
        client("login", "-u", name, "--password-stdin", berth.address, stdin=PASSWORDS[name])
        return client

    return make


@pytest.fixture(scope="session")
def containers(new_folder):
    """podman, buildah and skopeo with a storage of our own."""
    need_root()
    return Containers(new_folder("containers"))


@pytest.fixture(scope="session")
def containerd(new_folder):
    need_root()
    daemon = Containerd(new_folder("containerd"))
    try:
        yield daemon.start()
    finally:
        daemon.stop()


@pytest.fixture
def repository(request):
    """A repository name of the test's own: test_push__by_tag gives "push-by-tag"."""
    name = request.node.originalname.removeprefix("test_").replace("__", "-").replace("_", "-")
    return name[:100].strip("-")
