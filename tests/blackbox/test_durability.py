# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged stays: restarts, stops with requests in flight, kill -9, commands beside a
server."""
import http.client
import os
import threading
import time

import pytest

from harness.images import Image, digest_of, layer_tar
from harness.registry import TIMEOUT_S, Registry, basic, call, with_query


@pytest.fixture
def alice(new_berth):
    berth = new_berth().start()
    berth.add_user("alice")
    return Registry(berth, "alice/app", "alice")


def check(alice, images):
    """Every image is there, byte for byte, by tag and by digest."""
    for tag, image in images.items():
        assert alice.manifest(tag).body == image.manifest
        for blob in image.blobs:
            assert alice.blob(digest_of(blob)).body == blob


def test_restart__keeps_everything(alice):
    images = {str(number): alice.push(Image(os.urandom(10000)), str(number)) for number in range(3)}
    alice.berth.restart()
    check(alice, images)
    assert alice.expect(200, "GET", "tags/list").json()["tags"] == ["0", "1", "2"]


def test_restart__keeps_tokens_valid(alice):
    alice.push(Image())
    before = alice.token
    alice.berth.restart()
    assert (
        call(
            alice.berth,
            "GET",
            "/v2/alice/app/manifests/latest",
            headers={"Authorization": f"Bearer {before}"},
        ).status
        == 200
    )


def test_restart__an_upload_goes_on_where_it_was(alice):
    content = os.urandom(300000)
    location = alice.start_upload()
    location = alice.expect(202, "PATCH", with_query(location), content[:200000]).headers[
        "Location"
    ]
    alice.berth.restart()
    status = alice.expect(204, "GET", with_query(location))
    assert status.headers["Range"] == "0-199999"
    alice.expect(
        201,
        "PUT",
        with_query(status.headers["Location"], digest=digest_of(content)),
        content[200000:],
    )
    assert alice.blob(digest_of(content)).body == content


def slow_reader(berth, path, headers):
    """A download that has begun, and whose rest the caller reads when he likes."""
    connection = http.client.HTTPConnection("127.0.0.1", berth.port, timeout=TIMEOUT_S)
    connection.request("GET", path, headers=headers)
    return connection, connection.getresponse()


def test_stop__finishes_a_running_download(alice):
    content = os.urandom(64 * 1024 * 1024)
    digest = alice.push_blob(content)
    alice.push(Image(content))
    connection, answer = slow_reader(
        alice.berth, f"/v2/alice/app/blobs/{digest}", {"Authorization": f"Bearer {alice.token}"}
    )
    received = answer.read(1000000)
    stopper = threading.Thread(target=alice.berth.stop)
    stopper.start()
    time.sleep(0.3)
    received += answer.read()
    connection.close()
    stopper.join()
    assert received == content


def test_stop__refuses_new_connections_at_once(alice):
    alice.push_blob(b"x")
    alice.berth.stop()
    with pytest.raises(OSError):
        call(alice.berth, "GET", "/healthz")


def test_kill__what_was_pushed_is_pulled(alice):
    images = {str(number): alice.push(Image(os.urandom(5000)), str(number)) for number in range(5)}
    alice.berth.kill()
    alice.berth.start()
    check(alice, images)


def test_kill__in_the_middle_of_pushes_loses_nothing_acknowledged(alice):
    """Several people push while the server is cut off; what each was told to be there is there."""
    acknowledged, refused, stop = {}, [], threading.Event()

    def push_on(person):
        registry = Registry(alice.berth, "alice/app", "alice")
        for number in range(10000):
            if stop.is_set():
                return
            image, tag = Image(os.urandom(3000)), f"{person}-{number}"
            try:
                registry.push(image, tag)
            except (OSError, http.client.HTTPException):
                return
            except AssertionError as unexpected:
                refused.append(str(unexpected))
                return
            acknowledged[tag] = image

    people = [threading.Thread(target=push_on, args=(person,)) for person in range(4)]
    for person in people:
        person.start()
    time.sleep(1.5)
    alice.berth.kill()
    stop.set()
    for person in people:
        person.join()
    alice.berth.start()
    assert acknowledged and not refused
    check(alice, acknowledged)
    after = alice.push(Image(os.urandom(1000)), "after")
    check(alice, {"after": after})


def test_kill__a_half_sent_upload_can_go_on_or_start_anew(alice):
    content = os.urandom(100000)
    location = alice.start_upload()
    location = alice.expect(202, "PATCH", with_query(location), content[:50000]).headers["Location"]
    alice.berth.kill()
    alice.berth.start()
    status = alice.expect(204, "GET", with_query(location))
    assert status.headers["Range"] == "0-49999"
    alice.expect(
        201,
        "PUT",
        with_query(status.headers["Location"], digest=digest_of(content)),
        content[50000:],
    )
    assert alice.blob(digest_of(content)).body == content


def test_commands__while_the_server_runs_are_seen_at_once(alice):
    berth = alice.berth
    alice.push(Image(layer_tar({"a": b"b"})))
    nobody = Registry(berth, "alice/app")
    assert nobody.call("GET", "manifests/latest").status == 200
    berth.command("repo", "change", "alice/app", "--private", "yes")
    end = time.monotonic() + 2
    while nobody.call("GET", "manifests/latest").status == 200:
        assert time.monotonic() < end, "still public two seconds after the change"
    berth.add_user("later", password="later-password")
    berth.command("user", "change", "later", "--password-stdin", stdin="changed-password\n")
    for password, status in (("later-password", 401), ("changed-password", 200)):
        answer = call(berth, "GET", "/token", headers={"Authorization": basic("later", password)})
        assert answer.status == status


def test_start__second_server_on_the_same_port_says_so(alice, new_berth):
    other = new_berth()
    other.port = alice.berth.port
    result = other.command("serve", expect=1)
    assert str(other.port) in result.err and "another program listens there" in result.err


def test_hang_up__goes_on_serving(alice):
    alice.push(Image())
    alice.berth.hang_up()
    time.sleep(0.2)
    assert alice.manifest("latest").status == 200
