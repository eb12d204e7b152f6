"""Configurations: read, made by hand, checked."""

import dataclasses
import pickle
from datetime import timedelta

import pytest

import conftest
import shardcache

FULL = """\
first:
  listen: /tmp/proxy.sock 0644
  hash: fnv1_32
  hash_tag: "{}"
  distribution: modula
  timeout: 400
  backlog: 1024
  client_connections: 100
  redis: true
  tcpkeepalive: true
  redis_auth: secret
  redis_db: 3
  preconnect: true
  auto_eject_hosts: true
  server_connections: 4
  server_retry_timeout: 1500
  server_failure_limit: 5
  servers:
   - 10.0.0.1:11212:3
   - 10.0.0.2:11211:1
   - "[::1]:11213:2 six"
   - /tmp/mc.sock:1
second:
  listen: localhost:22122
  servers:
   - 10.0.0.9:11211:1 zeta
"""


def test_every_setting_is_read():
    pools = shardcache.parse(FULL)
    assert list(pools) == ["first", "second"]
    pool = pools["first"]
    assert pool == shardcache.PoolConfig(
        name="first",
        servers=["10.0.0.1:11212:3", "10.0.0.2:11211:1", "[::1]:11213:2 six", "/tmp/mc.sock:1"],
        listen=shardcache.ListenAddress("/tmp/proxy.sock 0644", "/tmp/proxy.sock", 0, 0o644),
        hash="fnv1_32",
        hash_tag="{}",
        distribution="modula",
        timeout=timedelta(milliseconds=400),
        backlog=1024,
        client_connections=100,
        redis=True,
        tcpkeepalive=True,
        reuseport=False,
        redis_auth="secret",
        redis_db=3,
        preconnect=True,
        auto_eject_hosts=True,
        server_connections=4,
        server_retry_timeout=timedelta(milliseconds=1500),
        server_failure_limit=5,
        char_sign="signed",
    )
    assert pool.listen.permissions == 0o644
    assert pools["second"].listen == ("localhost:22122", "localhost", 22122, None)


def test_what_is_not_given_has_twemproxys_default():
    pool = shardcache.parse(FULL)["second"]
    by_hand = shardcache.PoolConfig("second", [shardcache.Server.parse("10.0.0.9:11211:1 zeta")])
    assert dataclasses.replace(pool, listen=shardcache.ListenAddress()) == by_hand
    assert (pool.hash, pool.distribution, pool.timeout) == ("fnv1a_64", "ketama", None)
    assert pool.server_retry_timeout == timedelta(seconds=30)


def test_servers_have_the_index_of_their_placement():
    pool = shardcache.parse(FULL)["first"]
    assert [server.name for server in pool.by_index] == [
        "six", "10.0.0.2", "/tmp/mc.sock:", "10.0.0.1:11212",
    ]  # fmt: skip
    assert shardcache.Placement(pool).servers == pool.by_index
    assert [server.index for server in pool.servers] == [3, 1, 0, 2]


def test_a_server_says_what_it_is():
    unix, six, plain = (
        shardcache.Server.parse(line)
        for line in ("/tmp/mc.sock:1", "[::1]:11213:2 six", "10.0.0.2:11211:7")
    )
    assert (unix.name, unix.host, unix.port, unix.address) == (
        "/tmp/mc.sock:", "/tmp/mc.sock", 0, "/tmp/mc.sock",
    )  # fmt: skip
    assert (six.name, six.host, six.port, six.weight, six.named) == ("six", "::1", 11213, 2, True)
    assert six.address == "[::1]:11213"
    assert (plain.name, plain.address, plain.named) == ("10.0.0.2", "10.0.0.2:11211", False)
    assert str(six) == "six ([::1]:11213)"
    assert "10.0.0.2" in repr(plain)
    assert plain == dataclasses.replace(plain, index=5)


def test_load_takes_paths_and_names_the_file(tmp_path):
    path = tmp_path / "nutcracker.yml"
    path.write_text(FULL)
    assert shardcache.load(path) == shardcache.load(str(path)) == shardcache.parse(FULL.encode())
    with pytest.raises(shardcache.Error, match="no-such.yml") as caught:
        shardcache.load(tmp_path / "no-such.yml")
    assert caught.value.code == "io"


def test_a_wrong_setting_is_an_error_that_names_line_and_pool():
    with pytest.raises(shardcache.Error, match=r"^mine\.yml:3: pool 'a'.*nonsense") as caught:
        shardcache.parse("a:\n  listen: 127.0.0.1:1\n  hash: nonsense\n", "mine.yml")
    assert caught.value.code == "invalid_config"
    assert caught.value.server is None
    assert caught.value.key is None


@pytest.mark.parametrize(
    "change, message",
    [
        ({"hash": "sha1"}, "no hash 'sha1'"),
        ({"distribution": "jump"}, "no distribution 'jump'"),
        ({"hash_tag": "abc"}, "hash_tag has two bytes"),
        ({"backlog": "many"}, "pool 'alpha': backlog cannot be 'many'"),
        ({"timeout": "soon"}, "pool 'alpha': timeout cannot be 'soon'"),
        ({"char_sign": "?"}, "char_sign"),
        ({"listen": 22121}, "listen cannot be 22121"),
    ],
)
def test_a_setting_by_hand_that_cannot_be_is_named(pool, change, message):
    with pytest.raises(shardcache.Error, match=message) as caught:
        shardcache.Placement(dataclasses.replace(pool, **change))
    assert caught.value.code == "invalid_argument"


def test_servers_by_hand_that_cannot_be_are_named(pool):
    twice = dataclasses.replace(pool, servers=[*pool.servers, pool.servers[0]])
    with pytest.raises(shardcache.Error, match='ring name "server1"') as caught:
        shardcache.Placement(twice)
    assert (caught.value.code, caught.value.server) == ("invalid_config", "server1")
    with pytest.raises(shardcache.Error, match="not a server.*70000"):
        shardcache.Placement(
            shardcache.PoolConfig("p", [shardcache.Server("a", "10.0.0.1", 70000)])
        )
    with pytest.raises(shardcache.Error, match="host:port:weight"):
        shardcache.PoolConfig("p", ["10.0.0.1"])
    with pytest.raises(TypeError, match="not a single str"):
        shardcache.PoolConfig("p", "10.0.0.1:11211:1")
    with pytest.raises(shardcache.Error, match="has no servers"):
        shardcache.Placement(shardcache.PoolConfig("p", []))


def test_configurations_travel_and_are_values(pool):
    copy = pickle.loads(pickle.dumps(pool))
    assert copy == pool
    assert hash(copy) == hash(pool)
    assert copy.by_index == pool.by_index
    with pytest.raises(dataclasses.FrozenInstanceError):
        pool.hash = "md5"


def test_lint_gives_warnings_as_objects(pool):
    warnings = shardcache.lint(dataclasses.replace(pool, hash="crc32"))
    found = {warning.setting: warning for warning in warnings}
    assert isinstance(found["hash"], shardcache.LintWarning)
    assert found["hash"].pool == "alpha"
    assert "crc32" in found["hash"].message
    assert str(found["hash"]).startswith("pool 'alpha': hash: ")
    calm = shardcache.PoolConfig("calm", pool.servers, hash="md5")
    assert shardcache.lint(calm) == []


def test_check_listen_knows_this_machine(pool):
    shardcache.check_listen(pool)
    unknown = shardcache.ListenAddress("no-such-host.invalid:1", "no-such-host.invalid", 1)
    with pytest.raises(shardcache.Error, match="no-such-host.invalid"):
        shardcache.check_listen(dataclasses.replace(pool, listen=unknown))


def test_the_version_is_that_of_cmake():
    assert f"VERSION {shardcache.__version__} " in (conftest.ROOT / "CMakeLists.txt").read_text()
