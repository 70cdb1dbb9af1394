# SPDX-License-Identifier: Apache-2.0
"""kill -9, again and again, while people push: nothing that was acknowledged may be lost."""
import http.client
import os
import random
import threading
import time

from harness.images import Image, digest_of
from harness.registry import Registry
from harness.server import Berth

ROUNDS = int(os.environ.get("BERTH_TEST_SOAK_ROUNDS", "20"))
PEOPLE = 4


def push_until_cut_off(berth, person, round_number, acknowledged, refused):
    """Images that share layers with earlier ones, so that claims and mounts are raced as well."""
    registry = Registry(berth, "alice/app", "alice")
    shared = os.urandom(2000)
    for number in range(100000):
        image, tag = Image(shared, os.urandom(4000)), f"{round_number}-{person}-{number}"
        try:
            registry.push(image, tag)
        except (OSError, http.client.HTTPException):
            return  # cut off; an answer that was under way does not count
        except AssertionError as unexpected:
            refused.append(str(unexpected))
            return
        acknowledged[tag] = image


def check(registry, images):
    for tag, image in images.items():
        assert registry.manifest(tag).body == image.manifest, tag
        for blob in image.blobs:
            assert registry.blob(digest_of(blob)).body == blob, tag


def test_kill_rounds__nothing_acknowledged_is_lost(new_folder, new_berth):
    seed = int(time.time())
    print(f"seed {seed}")
    dice = random.Random(seed)
    binary = os.environ.get("BERTH_TEST_BINARY")
    berth = Berth(binary, new_folder("soak")) if binary else new_berth()
    berth.start()
    berth.add_user("alice")
    everything = {}
    try:
        for round_number in range(ROUNDS):
            acknowledged, refused = {}, []
            people = [
                threading.Thread(
                    target=push_until_cut_off,
                    args=(berth, person, round_number, acknowledged, refused),
                )
                for person in range(PEOPLE)
            ]
            for person in people:
                person.start()
            time.sleep(dice.uniform(0.05, 1.0))
            berth.kill()
            for person in people:
                person.join()
            berth.start()
            assert not refused
            registry = Registry(berth, "alice/app", "alice")
            check(registry, acknowledged)
            everything.update(acknowledged)
            print(f"round {round_number + 1} of {ROUNDS}: {len(acknowledged)} pushes, all there")
        check(Registry(berth, "alice/app", "alice"), everything)
        assert everything
    finally:
        berth.stop()
