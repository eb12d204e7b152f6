"""Beside a real nutcracker: where keys go, and who is ejected."""

import random
import string
import time

import pytest

import proxy
import shardcache
from shardcache import proxy_stats

CONFIG = """\
live:
  listen: 127.0.0.1:%(port)d
"""
ALPHABET = (string.ascii_letters + string.digits + ":{}-_.").encode() + bytes(range(0x80, 0x100))


@pytest.fixture(name="backends")
def _backends():
    backends = [proxy.Backend() for _ in range(5)]
    yield backends
    for backend in backends:
        backend.close()


def config_of(settings, backends):
    lines = [f"  {name}: {value}\n" for name, value in settings.items()]
    servers = [f"   - 127.0.0.1:{b.port}:{1 + i % 2}\n" for i, b in enumerate(backends)]
    return "".join([CONFIG, *lines, "  servers:\n", *servers])


def random_keys(count, seed):
    chosen = random.Random(seed)
    return [bytes(chosen.choices(ALPHABET, k=chosen.randint(1, 60))) for _ in range(count)]


@pytest.mark.parametrize(
    "settings",
    [
        {"hash": "md5"},
        {"hash": "fnv1a_64", "hash_tag": '"{}"'},
        {"hash": "one_at_a_time", "distribution": "modula"},
        {"hash": "hsieh"},
    ],
    ids=lambda settings: "-".join(settings.values()),
)
def test_the_proxy_sends_every_key_where_locate_says(settings, backends, tmp_path):
    seed = random.randrange(1 << 32)
    keys = random_keys(1000, seed)
    with proxy.Nutcracker(config_of(settings, backends), tmp_path) as nutcracker:
        placement = shardcache.Placement(shardcache.load(nutcracker.path)["live"])
        with nutcracker.connect() as client:
            ports = client.ports_of(keys)
    located = [placement.servers[index].port for index in placement.locate_many(keys)]
    assert located == ports, f"seed {seed}"


def test_a_router_follows_the_proxy_through_an_outage(backends, tmp_path):
    settings = {
        "hash": "md5",
        "auto_eject_hosts": "true",
        "server_failure_limit": 1,
        "server_retry_timeout": 3000,
        "timeout": 10000,
    }
    keys = random_keys(300, 1)
    with proxy.Nutcracker(config_of(settings, backends), tmp_path) as nutcracker:
        pool = shardcache.load(nutcracker.path)["live"]
        router = shardcache.Router(pool)
        by_port = {server.port: server.index for server in router.servers}
        with nutcracker.connect() as client:
            assert client.ports_of(keys) == [router.route(key).port for key in keys]

            backends[2].close()
            out = by_port[backends[2].port]
            victim = next(key for key in keys if router.route(key).index == out)
            # The proxy sees that its connection ended when it next looks, or by this request.
            client.ports_of([victim])
            router.report_failure(out, "closed")
            assert out not in router.live
            assert client.ports_of(keys) == [router.route(key).port for key in keys]

            time.sleep(0.3)  # statistics are gathered every 0.1 s
            stats = proxy_stats.fetch(port=nutcracker.stats_port).pools["live"]
            assert sum(server.requests for server in stats.servers) > len(keys)
            (ejection,) = proxy_stats.ejections_at(stats, pool)
            assert ejection.server == router.servers[out].name

            backends[2].open()
            time.sleep(3.2)
            assert client.ports_of(keys) == [router.route(key).port for key in keys]
            assert router.live == [0, 1, 2, 3, 4]
