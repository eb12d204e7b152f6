"""Sharing between threads and processes, and Ctrl-C."""

import multiprocessing
import os
import signal
import sys
import textwrap
import subprocess
import threading

import numpy as np
import pytest

import conftest
import shardcache

KEYS = [f"key:{i}" for i in range(2000)]


def test_threads_share_a_placement(placement):
    want = placement.locate_many(KEYS)
    wrong = []

    def work():
        for _ in range(50):
            if not (placement.locate_many(KEYS) == want).all():
                wrong.append("many")
            if placement.locate(KEYS[7]).index != want[7]:
                wrong.append("one")

    run(work, 4)
    assert not wrong


def test_threads_share_a_router_through_ejections_and_reloads(pool):
    events = []
    router = shardcache.Router(pool, observer=events.append)
    smaller = shardcache.PoolConfig("alpha", pool.servers[:2], hash="md5", auto_eject_hosts=True)
    wrong = []
    stop = threading.Event()

    def route():
        while not stop.is_set():
            for key in KEYS[:50]:
                try:
                    if router.route(key) not in pool.servers:
                        wrong.append(key)
                except shardcache.Error as error:
                    if error.code != "no_live_server":
                        wrong.append(error)
            router.route_many(KEYS)

    def report():
        for turn in range(300):
            router.report_failure(turn % 3, "timeout")
            router.report_success(turn % 3)
            router.follow([], seen_at=1e9)
            router.reload(smaller if turn % 2 else pool)
        stop.set()

    threads = [threading.Thread(target=route) for _ in range(3)]
    threads.append(threading.Thread(target=report))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a thread waits for ever"
    assert not wrong
    assert sum(event.type == "reloaded" for event in events) == 300


def test_other_threads_run_during_long_work(placement):
    keys = np.array([b"k%09d" % i for i in range(1000)]).repeat(3000)
    turns = 0
    done = threading.Event()

    def work():
        placement.locate_many(keys)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        turns += 1
        done.wait(0.0005)
    thread.join()
    assert turns >= 3


def locate_in_worker(job):
    placement, keys = job
    return list(placement.locate_many(keys))


def test_placements_travel_to_worker_processes(pool):
    placement = shardcache.Placement(pool, down=["server1"])
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        (located,) = workers.map(locate_in_worker, [(placement, KEYS)])
    assert located == list(placement.locate_many(KEYS))


@pytest.mark.parametrize(
    "call",
    [
        "placement.locate_many(endless)",
        "shardcache.hash_many('md5', endless)",
        "shardcache.compare(placement, placement, endless)",
        "shardcache.ejection_effects(placement, endless)",
        "placement.locate_many(numpy.broadcast_to(numpy.array([b'k' * 200]), 1 << 31))",
    ],
)
def test_ctrl_c_stops_what_takes_long(call):
    program = f"""
        import itertools, numpy, shardcache
        pool = shardcache.PoolConfig("p", ["10.0.0.1:11211:1", "10.0.0.2:11211:1"])
        placement = shardcache.Placement(pool)
        endless = itertools.repeat(b"key")
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("stopped")
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=conftest.python_program(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        # Not at once: the call must be under way.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        os.kill(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "stopped\n"
    finally:
        process.kill()
        process.wait()


def run(work, count):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
