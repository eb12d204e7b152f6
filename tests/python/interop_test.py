"""The models of other clients, as Python offers them. tests/interop runs the clients beside them;
here pylibmc does, for it is at hand in Python."""

import pickle

import numpy as np
import pylibmc
import pytest

import shardcache
from shardcache import interop

SERVERS = ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11212:2"]
KEYS = [f"key:{i}" for i in range(2000)]


def test_servers_may_be_given_in_several_ways():
    ways = [
        ["10.0.0.1:11211", "10.0.0.2:11211:3", "/tmp/mc.sock"],
        [("10.0.0.1", 11211), ("10.0.0.2", 11211, 3), ("/tmp/mc.sock", 0)],
        [shardcache.Server.parse(line) for line in (
            "10.0.0.1:11211:1", "10.0.0.2:11211:3", "/tmp/mc.sock:1")],
    ]  # fmt: skip
    placements = [interop.php_memcached(way, libketama_compatible=True) for way in ways]
    assert len({placement.fingerprint for placement in placements}) == 1
    assert [s.address for s in placements[0].servers] == [
        "10.0.0.1:11211", "10.0.0.2:11211", "/tmp/mc.sock",
    ]  # fmt: skip
    assert [s.index for s in placements[0].servers] == [0, 1, 2]
    with pytest.raises(shardcache.Error, match="host:port:weight"):
        interop.php_memcached(["nonsense"])
    with pytest.raises(TypeError, match="not a single str"):
        interop.php_memcached("10.0.0.1:11211")


def test_pylibmc_itself_agrees():
    for behaviors in (
        {"ketama_weighted": True, "hash": "md5"},
        {"ketama": True},
        {"distribution": "modula", "hash": "fnv1a_32"},
    ):
        client = pylibmc.Client(["10.0.0.1", "10.0.0.2", "10.0.0.3:11212"], behaviors=behaviors)
        model = interop.pylibmc(["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11212"], **behaviors)
        located = [index for index in model.locate_many(KEYS)]
        assert located == [client.hash(key) for key in KEYS]


def test_friendly_names_are_the_clients_own():
    pairs = [
        (
            interop.php_memcached(SERVERS, libketama_compatible=True, hash="md5", prefix_key="p."),
            ("php-memcached", {"OPT_LIBKETAMA_COMPATIBLE": True, "OPT_HASH": "HASH_MD5",
                               "OPT_PREFIX_KEY": "p."}),
        ),
        (
            interop.php_memcached(SERVERS, distribution="consistent", default_consistent_hash=1),
            ("php-memcached", {"OPT_DISTRIBUTION": "DISTRIBUTION_CONSISTENT",
                               "memcached.default_consistent_hash": 1}),
        ),
        (
            interop.php_memcached(SERVERS, hash="Memcached::HASH_CRC"),
            ("php-memcached", {"OPT_HASH": "Memcached::HASH_CRC"}),
        ),
        (
            interop.php_memcached_session(SERVERS, consistent_hash=True, prefix="s."),
            ("php-memcached-session", {"memcached.sess_consistent_hash": "On",
                                       "memcached.sess_prefix": "s."}),
        ),
        (
            interop.pecl_memcache(SERVERS, hash_strategy="consistent", hash_function="fnv"),
            ("pecl-memcache", {"memcache.hash_strategy": "consistent",
                               "memcache.hash_function": "fnv"}),
        ),
        (
            interop.libmemcached(SERVERS, ketama_weighted=True, hash="md5", prefix_key="n."),
            ("libmemcached", {"MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED": 1,
                              "MEMCACHED_BEHAVIOR_HASH": "MEMCACHED_HASH_MD5",
                              "MEMCACHED_CALLBACK_PREFIX_KEY": "n."}),
        ),
        (
            interop.pylibmc(SERVERS, ketama=True, hash="md5"),
            ("pylibmc", [("ketama", True), ("hash", "md5")]),
        ),
    ]  # fmt: skip
    for friendly, (client, options) in pairs:
        model = interop.model(client, SERVERS, options)
        assert friendly == model
        assert (friendly.locate_many(KEYS) == model.locate_many(KEYS)).all()


def test_libmemcached_reads_its_option_string():
    placement = interop.libmemcached([], options="--SERVER=10.0.0.1:11211 --HASH=MD5")
    assert [server.address for server in placement.servers] == ["10.0.0.1:11211"]


def test_a_model_says_what_its_owner_may_not_expect():
    right = interop.php_memcached(SERVERS, libketama_compatible=True, hash="md5")
    wrong = interop.php_memcached(SERVERS, hash="fnv1a_64", libketama_compatible=True)
    assert right.notes == ()
    assert "has no effect" in wrong.notes[0]
    assert right.scheme != "twemproxy"
    assert "php-memcached" in repr(right)
    assert right.sent_key("a") == b"a"
    assert interop.php_memcached(SERVERS, prefix_key="p.").sent_key("a") == b"p.a"


def test_models_travel_and_cannot_be_restricted():
    placement = interop.php_memcached(SERVERS, libketama_compatible=True)
    copy = pickle.loads(pickle.dumps(placement))
    assert copy == placement
    assert copy.source == placement.source
    with pytest.raises(shardcache.Error):
        placement.restrict([0])


def test_a_client_and_the_proxy_are_compared(pool):
    servers = [server.address + f":{server.weight}" for server in pool.servers]
    proxy = shardcache.Placement(pool)
    unlike = interop.php_memcached(servers)
    comparison = shardcache.compare(proxy, unlike, KEYS)
    assert comparison.fraction > 0.3
    assert isinstance(unlike.source, interop.ClientSetup)

    advice = interop.advise(pool, unlike)
    assert isinstance(advice, interop.Advice)
    assert not advice.agree
    assert advice.reasons
    for remedy in advice.remedies:
        assert isinstance(remedy, interop.Remedy)
        fixed = shardcache.compare(
            shardcache.Placement(remedy.pool), remedy.client.placement(), KEYS
        )
        if remedy.agreement == 1:
            assert fixed.disagreements == 0
    assert any(remedy.agreement == 1 for remedy in advice.remedies)
    best = advice.remedies[0]
    assert interop.advise(best.pool, best.client).agree
    with pytest.raises(shardcache.Error, match="not that of another client"):
        interop.advise(pool, proxy)


def test_a_remedy_says_what_changes_and_what_that_moves(pool):
    names = [(server.host, server.port, server.weight) for server in pool.servers]
    php = interop.php_memcached(names, libketama_compatible=True)
    advice = interop.advise(pool, php)
    assert "other names" in advice.reasons[0]
    assert advice.verdict == ""
    rename = advice.remedies[0]
    assert (rename.client_changes, rename.client_snippet, rename.client_moves) == ([], "", 0)
    assert rename.pool_changes == ["other names for servers"]
    assert shardcache.parse(rename.pool_snippet)["alpha"] == rename.pool
    # By 20,000 hashes; exactly by all.
    moved = shardcache.compare_exactly(shardcache.Placement(pool), shardcache.Placement(rename.pool))
    assert rename.pool_moves == pytest.approx(moved.fraction, abs=0.02)
    assert "100.00000% of all hashes agree" in repr(rename)
    assert "client: as it is" in repr(rename)

    changed = next(remedy for remedy in advice.remedies if remedy.client_changes)
    assert "setOption" in changed.client_snippet
    assert 0 < changed.client_moves < 1
    hopeless = interop.advise(pool, interop.model("dalli", names))
    assert hopeless.verdict


def test_setups_are_written_out(pool):
    code = interop.to_code(interop.php_memcached(SERVERS, libketama_compatible=True))
    assert "Memcached" in code
    assert "10.0.0.3" in code
    assert "OPT_LIBKETAMA_COMPATIBLE" in code
    with pytest.raises(shardcache.Error, match="not that of another client"):
        interop.to_code(shardcache.Placement(pool))
    again = shardcache.parse(interop.to_yaml(pool))["alpha"]
    assert again == pool


def test_the_clients_are_listed_with_what_is_known_of_them():
    clients = {client.name: client for client in interop.clients()}
    assert isinstance(clients["php-memcached"], interop.ClientInfo)
    assert {"php-memcached", "pecl-memcache", "libmemcached", "pylibmc"} <= set(clients)
    assert clients["php-memcached"].verified
    assert "Memcached class" in clients["php-memcached"].description
    assert "getServerByKey" in clients["php-memcached"].evidence
    assert "OPT_HASH" in clients["php-memcached"].options


def test_every_client_that_is_listed_has_a_model():
    needed = {
        "mcrouter-weighted-ch3": {"weights": "1,0.5,1"},
        "mcrouter-rendezvous": {"tags": "a,b,c"},
    }
    for client in interop.clients():
        placement = interop.model(client.name, SERVERS, needed.get(client.name, {}))
        owners = placement.locate_many(KEYS)
        assert set(owners) == {0, 1, 2}, client.name
        assert owners[0] == placement.locate(KEYS[0]).index, client.name


def test_unknown_clients_and_options_are_errors():
    with pytest.raises(shardcache.Error, match="php-memcached") as caught:
        interop.model("no-such-client", SERVERS)
    assert caught.value.code == "not_found"
    with pytest.raises(shardcache.Error, match="OPT_NONSENSE"):
        interop.php_memcached(SERVERS, nonsense=1)
    with pytest.raises(shardcache.Error, match="OPT_HASH"):
        interop.php_memcached(SERVERS, hash="sha1")
    with pytest.raises(shardcache.Error, match="no servers"):
        interop.php_memcached([])
    assert isinstance(np.asarray(interop.pylibmc(SERVERS).shares), np.ndarray)
