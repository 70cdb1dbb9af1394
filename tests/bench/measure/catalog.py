# SPDX-License-Identifier: Apache-2.0
"""A large catalog, put into the database of a stopped server by SQL, and pages of it."""
import random
import sqlite3
import time

from measure import clients
from measure.setting import quantile

NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "


def fill(path, repository_count, tag_count):
    """Repositories bench/r0000001 and on, with the same number of tags each, but for the first
    one, which has a tenth of all."""
    first = tag_count // 10
    each = (tag_count - first) // repository_count
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous=OFF")
        owner = database.execute("SELECT id FROM account WHERE name = 'bench'").fetchone()[0]
        database.execute(
            NUMBERS + "INSERT INTO repository (owner_id, name, created_ms, updated_ms) "
            "SELECT ?, printf('r%07d', i), 0, 0 FROM n",
            (repository_count, owner),
        )
        database.execute(
            "INSERT INTO manifest (repository_id, digest, kind, media_type, size, content_size, "
            "pushed_ms) SELECT id, printf('sha256:%064x', id), 1, ?, 2, 2, 0 FROM repository",
            (clients.MANIFEST_TYPE,),
        )
        insert = (
            "INSERT INTO tag (repository_id, name, manifest_id, pushed_ms) "
            "SELECT m.repository_id, printf('v%06d', i), m.id, 0 FROM "
        )
        database.execute(NUMBERS + insert + "manifest m JOIN n", (each,))
        database.execute(
            NUMBERS + insert + "n JOIN manifest m WHERE i > ? AND m.repository_id = "
            "(SELECT MIN(id) FROM repository)",
            (first, each),
        )
    database.close()


def _times(link, targets):
    took = []
    for target in targets:
        begun = time.monotonic()
        clients.expect(link.request("GET", target), 200)
        took.append(1000 * (time.monotonic() - begun))
    return took


def pages(server, is_quick):
    repositories, tags = (10_000, 10_000) if is_quick else (100_000, 100_000)
    server.repository = "bench/r0000001"
    link = clients.Link(server, server.headers("pull"))
    chance = random.Random(1)
    of_tags = [
        f"/v2/bench/r0000001/tags/list?n=100&last=v{chance.randrange(tags):06d}" for _ in range(300)
    ]
    of_catalog = [
        f"/v2/_catalog?n=100&last=bench/r{chance.randrange(repositories):07d}" for _ in range(300)
    ]
    for_tags, for_catalog = _times(link, of_tags), _times(link, of_catalog)
    link.close()
    return {
        "tags_p50_ms": quantile(for_tags, 0.5),
        "tags_p99_ms": quantile(for_tags, 0.99),
        "catalog_p50_ms": quantile(for_catalog, 0.5),
        "catalog_p99_ms": quantile(for_catalog, 0.99),
    }
