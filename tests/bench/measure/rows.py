# SPDX-License-Identifier: Apache-2.0
"""The rows: what is measured, and what it should come to.

A row has `servers`, `prepare(server)`, which runs once for each of them, and `sample(server,
prepared)`, which gives one round's figures.  Rounds are interleaved, every second one in the
opposite order; the medians of the rounds count.  `targets` judges them."""
import contextlib
import dataclasses
import hashlib
import json
import os
import threading
import time

from measure import catalog, clients
from measure.servers import Berth, BerthOnPostgres, Nginx, Peer
from measure.setting import Meter, medians, memory_mb, quantile

MIB = 1024 * 1024


@dataclasses.dataclass
class Result:
    row: object
    figures: dict  # name of the server -> {figure: median}
    targets: list  # (sentence, what it came to, is it met)
    seconds: float


class Row:
    title = ""
    note = ""
    servers = (Berth, Peer)
    units = {}  # figure -> how its column is called
    rounds = None  # fewer than the setting's, where a round is long or says it all

    def __init__(self, setting):
        self.setting = setting

    def prepare(self, server):
        return None

    def sample(self, server, prepared):
        raise NotImplementedError

    def limits(self):
        """Lines below those of the servers: what the machine could do."""
        return {}

    def targets(self, figures):
        return []


def ratio(figures, name, of=Berth.name, to=Peer.name):
    return figures[of][name] / max(figures[to][name], 1e-9)


def at_least(sentence, value, wanted, suffix=" x"):
    return sentence, f"{value:.2f}{suffix}", value >= wanted


def at_most(sentence, value, wanted, suffix=" x"):
    return sentence, f"{value:.2f}{suffix}", value <= wanted


def on_postgres(figures, name, sentence):
    """How much less than on SQLite, in percent."""
    if BerthOnPostgres.name not in figures:
        return []
    less = 100 * (1 - ratio(figures, name, BerthOnPostgres.name, Berth.name))
    return [at_most(sentence, less, 20, " % less")]


def pull_headers(server):
    return {**server.headers("pull"), "Accept": clients.MANIFEST_TYPE}


def push_one_image(server, layers=None):
    link = clients.Link(server, server.headers())
    image = clients.push_image(link, server.repository, "latest", layers or clients.small_layers())
    link.close()
    return image


class Manifest(Row):
    title = "Manifest GET by tag, 64 connections, ours with a bearer token"
    note = "CPU is the server's, of all its processes."
    servers = (Berth, BerthOnPostgres, Peer, Nginx)
    units = {"rps": "requests/s", "p99_ms": "p99 ms", "cpu_us": "CPU us per request"}

    def prepare(self, server):
        if isinstance(server, Nginx):
            server.add_file("manifest", self.content)
            return "/manifest"
        self.content = push_one_image(server)[0]
        return f"/v2/{server.repository}/manifests/latest"

    def sample(self, server, prepared):
        headers = pull_headers(server)
        clients.wrk(server, prepared, headers, 64, 1)
        with Meter(server.pid) as meter:
            done = clients.wrk(server, prepared, headers, 64, self.setting.seconds(4))
        return {
            "rps": done["rps"],
            "p99_ms": done["p99_ms"],
            "cpu_us": 1e6 * meter.cpu / done["requests"],
        }

    def targets(self, figures):
        return [
            at_least("25 x the requests/s", ratio(figures, "rps"), 25),
            at_most("p99 at most a tenth", ratio(figures, "p99_ms"), 0.1),
            *on_postgres(figures, "rps", "PostgreSQL within 20 % of SQLite"),
        ]


class Blob(Row):
    title = "Blob GET, 200 MB, 1 and 4 connections"
    note = "Clients are processes that read into 256 KB and look at nothing."
    servers = (Berth, BerthOnPostgres, Peer, Nginx)
    units = {
        "one": "1: MB/s",
        "one_cpu": "1: CPU s/GB",
        "four": "4: MB/s",
        "four_cpu": "4: CPU s/GB",
    }
    content = os.urandom(MIB) * 200

    def prepare(self, server):
        if isinstance(server, Nginx):
            server.add_file("blob", self.content)
            return "/blob"
        link = clients.Link(server, server.headers())
        digest = clients.push_blob(link, server.repository, self.content)
        link.close()
        return f"/v2/{server.repository}/blobs/{digest}"

    def sample(self, server, prepared):
        figures = {}
        for name, connections in (("one", 1), ("four", 4)):
            headers = server.headers("pull")
            with Meter(server.pid) as meter:
                total, took = clients.download(
                    server, prepared, headers, connections, self.setting.seconds(2)
                )
            figures[name] = total / took / 1e6
            figures[name + "_cpu"] = meter.cpu / (total / 1e9)
        return figures

    def targets(self, figures):
        return [
            at_least("throughput at least equal, 1 connection", ratio(figures, "one"), 1),
            at_least("throughput at least equal, 4 connections", ratio(figures, "four"), 1),
            at_most("at most 0.7 x the CPU per GB, 1 connection", ratio(figures, "one_cpu"), 0.7),
            at_most("at most 0.7 x the CPU per GB, 4 connections", ratio(figures, "four_cpu"), 0.7),
            *on_postgres(figures, "four", "PostgreSQL within 20 % of SQLite"),
        ]


class BigFile:
    """A file of random bytes that is another one, with another digest, at each turn."""

    def __init__(self, setting, size):
        self.path = setting.folder / f"upload-{size}"
        self.size = size
        self.piece = os.urandom(MIB)
        with open(self.path, "wb") as file:
            for _ in range(size // MIB):
                file.write(self.piece)

    def renew(self):
        with open(self.path, "r+b") as file:
            file.write(os.urandom(64))
        hasher = hashlib.sha256()
        begun = time.monotonic()
        with open(self.path, "rb") as file:
            while piece := file.read(MIB):
                hasher.update(piece)
        self.hash_seconds = time.monotonic() - begun
        os.sync()  # what others have written must not be our measurement's business
        return "sha256:" + hasher.hexdigest()


class Upload(Row):
    title = "Blob push, one stream, on stable storage when acknowledged"
    note = (
        "POST, PATCH with all bytes by curl, PUT.  The limit reads and hashes the same file with "
        "OpenSSL and writes nothing."
    )
    units = {"speed": "MB/s", "cpu": "CPU s per GiB"}

    def prepare(self, server):
        size = (256 if self.setting.quick else 1024) * MIB
        if not hasattr(self, "file"):
            self.file = BigFile(self.setting, size)
            self.hashed = []

    def sample(self, server, prepared):
        digest = self.file.renew()
        self.hashed.append(self.file.hash_seconds)
        with Meter(server.pid) as meter:
            took = clients.upload_file(
                server, server.repository, self.file.path, digest, server.headers()
            )
        return {
            "speed": self.file.size / took / 1e6,
            "cpu": meter.cpu * 1024 * MIB / self.file.size,
        }

    def limits(self):
        took = sorted(self.hashed)[len(self.hashed) // 2]
        return {
            "SHA-256 alone": {
                "speed": self.file.size / took / 1e6,
                "cpu": took * 1024 * MIB / self.file.size,
            }
        }

    def targets(self, figures):
        return [
            at_least("1.8 x the throughput", ratio(figures, "speed"), 1.8),
            at_most("at most half the CPU seconds", ratio(figures, "cpu"), 0.5),
        ]


class Push(Row):
    title = "Pushes of a small image (3 layers of 10 KB, config, manifest, tag), 8 clients, durable"
    note = (
        "17 requests for each image, as docker sends them; each client pushes to a repository of "
        "its own and each image is new."
    )
    servers = (Berth, BerthOnPostgres, Peer)
    units = {"rate": "images/s", "cpu_ms": "CPU ms per image", "p99_ms": "p99 ms of an image"}

    def prepare(self, server):
        push_one_image(server)

    def sample(self, server, prepared):
        repositories = [f"bench/push-{index}" for index in range(8)]
        headers = []
        for repository in repositories:
            server.repository = repository
            headers.append(server.headers())
        server.repository = "bench/app"
        seconds = self.setting.seconds(4)
        until = time.monotonic() + seconds

        def client(index):
            link, took = clients.Link(server, headers[index]), []
            while time.monotonic() < until:
                begun = time.monotonic()
                tag = f"t{os.getpid()}-{len(took)}"
                clients.push_image(link, repositories[index], tag, clients.small_layers())
                took.append(1000 * (time.monotonic() - begun))
            return took

        with Meter(server.pid) as meter:
            lists = clients.in_processes(8, client)
        took = [each for one in lists for each in one]
        return {
            "rate": len(took) / meter.wall,
            "cpu_ms": 1000 * meter.cpu / len(took),
            "p99_ms": quantile(took, 0.99),
        }

    def targets(self, figures):
        return [at_least("5 x the images/s", ratio(figures, "rate"), 5)]


class Slow(Row):
    title = "Other requests while 1,000 clients pull slowly"
    note = (
        "Manifest GETs by 8 connections, without and with 1,000 pulls of 200 MB that have stalled."
    )
    units = {"before": "requests/s alone", "during": "requests/s beside them", "kept": "% kept"}
    rounds = 1

    def prepare(self, server):
        digest = push_one_image(server, [Blob.content])[1]
        link = clients.Link(server, server.headers())
        path = f"/v2/{server.repository}"
        accept = f"Accept: {clients.MANIFEST_TYPE}\r\n"
        manifest = link.request("GET", f"{path}/manifests/{digest}", more=accept)[2]
        link.close()
        layer = json.loads(manifest)["layers"][0]["digest"]
        return f"{path}/manifests/latest", f"{path}/blobs/{layer}"

    def sample(self, server, prepared):
        manifest, blob = prepared
        headers, seconds = pull_headers(server), self.setting.seconds(3)
        before = clients.wrk(server, manifest, headers, 8, seconds)["rps"]
        links = clients.stalled_pulls(server, blob, headers, 1000)
        time.sleep(2)
        during = clients.wrk(server, manifest, headers, 8, seconds, may_fail=True)["rps"]
        for link in links:
            link.close()
        return {"before": before, "during": during, "kept": 100 * during / before}

    def targets(self, figures):
        kept = figures[Berth.name]["kept"]
        return [at_least("at least half of the unloaded rate", kept, 50, " % kept")]


class Latency(Row):
    title = "1,000 manifest GETs/s while two clients upload with fsync"
    note = (
        "Each latency counts from the instant at which its request was due.  The uploads are of "
        "256 MB, again and again."
    )
    units = {"p50_ms": "p50 ms", "p99_ms": "p99 ms", "max_ms": "max ms", "uploads": "uploads"}

    def prepare(self, server):
        if not hasattr(self, "files"):
            self.files = [BigFile(self.setting, (256 + i) * MIB) for i in range(2)]
        push_one_image(server)
        return f"/v2/{server.repository}/manifests/latest"

    def sample(self, server, prepared):
        headers, seconds = pull_headers(server), self.setting.seconds(5)
        digests = [file.renew() for file in self.files]
        until = time.monotonic() + seconds

        def upload(index):
            file, digest, count = self.files[index], digests[index], 0
            while time.monotonic() < until:
                clients.upload_file(server, f"bench/up-{index}", file.path, digest, tokens[index])
                count += 1
            return count

        tokens = []
        for index in range(2):
            server.repository = f"bench/up-{index}"
            tokens.append(server.headers())
        server.repository = "bench/app"
        done = []
        uploads = threading.Thread(target=lambda: done.extend(clients.in_processes(2, upload)))
        uploads.start()
        latencies = clients.in_processes(
            1, lambda _: clients.paced(server, prepared, headers, 1000, seconds)
        )[0]
        uploads.join()
        return {
            "p50_ms": quantile(latencies, 0.5),
            "p99_ms": quantile(latencies, 0.99),
            "max_ms": max(latencies),
            "uploads": sum(done),
        }

    def targets(self, figures):
        return [
            at_most("p99 under 10 ms", figures[Berth.name]["p99_ms"], 10, " ms"),
            at_most("p99 at most a hundredth of theirs", ratio(figures, "p99_ms"), 0.01),
        ]


class Memory(Row):
    title = "Resident memory"
    note = (
        "After the start; after an image was pushed and pulled; with 2,000 idle connections and "
        "1,000 stalled pulls of 200 MB.  What the kernel holds for sockets is not in it."
    )
    units = {"idle": "idle MB", "used": "after use MB", "loaded": "loaded MB"}
    rounds = 1

    def sample(self, server, prepared):
        idle = memory_mb(server.pid)
        paths = Slow.prepare(self, server)
        headers = pull_headers(server)
        clients.wrk(server, paths[0], headers, 64, 1)
        used = memory_mb(server.pid)
        links = clients.idle_links(server, 2000)
        stalled = clients.stalled_pulls(server, paths[1], headers, 1000)
        time.sleep(2)
        loaded = memory_mb(server.pid)
        for link in links + stalled:
            link.close()
        return {"idle": idle, "used": used, "loaded": loaded}

    def targets(self, figures):
        ours = figures[Berth.name]
        return [
            at_most("idle at most 25 MB", ours["idle"], 25, " MB"),
            at_most("loaded at most 60 MB", ours["loaded"], 60, " MB"),
        ]


class Large(Row):
    title = "100,000 repositories with 1,000,000 tags"
    note = (
        "From exec to the first good answer of /readyz; pages of 100 at random places.  The other "
        "program keeps tags as folders and has no index to compare with."
    )
    servers = (Berth,)
    units = {
        "ready_ms": "ready after ms",
        "tags_p50_ms": "page of tags: p50 ms",
        "tags_p99_ms": "p99 ms",
        "catalog_p50_ms": "page of the catalog: p50 ms",
        "catalog_p99_ms": "p99 ms",
    }

    def prepare(self, server):
        server.stop()
        counts = (10_000, 100_000) if self.setting.quick else (100_000, 1_000_000)
        catalog.fill(server.folder / "data/berth.db", *counts)
        server.start()

    def sample(self, server, prepared):
        server.stop()
        server.start()
        ready = server.ready_after_s
        return {"ready_ms": 1000 * ready, **catalog.pages(server, self.setting.quick)}

    def targets(self, figures):
        ours = figures[Berth.name]
        return [
            at_most("ready within 100 ms", ours["ready_ms"], 100, " ms"),
            at_most("page of tags: p99 under 10 ms", ours["tags_p99_ms"], 10, " ms"),
            at_most("page of the catalog: p99 under 10 ms", ours["catalog_p99_ms"], 10, " ms"),
        ]


NAMES = {
    "manifest": Manifest,
    "blob": Blob,
    "upload": Upload,
    "push": Push,
    "slow": Slow,
    "latency": Latency,
    "memory": Memory,
    "large": Large,
}


def measure(name, setting):
    row = NAMES[name](setting)
    print(f"==> {row.title}", flush=True)
    begun = time.monotonic()
    samples = {}
    with contextlib.ExitStack() as stack:
        servers = []
        for kind in row.servers:
            if kind is Nginx and not Nginx.is_installed():
                continue
            server = stack.enter_context(kind(setting))
            servers.append((server, row.prepare(server)))
        for turn in range(min(row.rounds or setting.rounds, setting.rounds)):
            for server, prepared in servers if turn % 2 == 0 else reversed(servers):
                figures = row.sample(server, prepared)
                shown = "  ".join(f"{key} {value:.4g}" for key, value in figures.items())
                print(f"    {server.name:18} {shown}", flush=True)
                samples.setdefault(server.name, []).append(figures)
    figures = {name: medians(of) for name, of in samples.items()}
    targets = row.targets(figures)
    for sentence, value, is_met in targets:
        print(f"    {'met   ' if is_met else 'MISSED'} {sentence}: {value}", flush=True)
    figures.update(row.limits())
    return Result(row, figures, targets, time.monotonic() - begun)
