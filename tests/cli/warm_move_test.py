"""The move test: warm from PHP's placement to a nutcracker's, while others write."""

import contextlib
import random
import signal
import subprocess
import threading
import time

import pytest
from conftest import COMMAND, EFFORT, run, total
from ejection_test import free_port
from fleet import Connection, addresses, nutcracker, pool


PHP_FILLS = r"""
$cache = new Memcached();
foreach (explode(',', $argv[1]) as $server) {
  [$host, $port] = explode(':', $server);
  $cache->addServer($host, (int)$port);
}
$keys = (int)$argv[2];
mt_srand(7);
$block = random_bytes(500 * 1024);
foreach ([0, 600, 86400, 40 * 86400] as $number => $life) {
  $expire = $life > 30 * 86400 ? time() + $life : $life;
  $values = [];
  for ($i = $number; $i < $keys; $i += 4) {
    $size = mt_rand(0, 300);
    if ($i % 1000 < 4) $size = mt_rand(1000, 20000);
    if ($i % 20000 < 4) $size = mt_rand(400 * 1024, 500 * 1024);
    $start = mt_rand(0, strlen($block) - $size);
    switch ($i % 7) {
      case 1: $values["key:$i"] = mt_rand(0, 1000000); break;
      case 2: $values["key:$i"] = ['n' => $i, 'a' => substr($block, $start, 20)]; break;
      case 3: $values["key:$i"] = $i % 2 == 0; break;
      default: $values["key:$i"] = substr($block, $start, $size);
    }
    if (count($values) == 500) {
      if (!$cache->setMulti($values, $expire)) exit(1);
      $values = [];
    }
  }
  if ($values && !$cache->setMulti($values, $expire)) exit(1);
}
for ($i = 0; $i < 50; ++$i) if (!$cache->set("brief:$i", 'soon gone', 1)) exit(1);
"""


class Writer:
    """Sets ever newer values of its keys at an address (a function of the key) until it ends."""

    def __init__(self, keys, address_of):
        self.keys = keys
        self.address_of = address_of
        self.last = {key: 0 for key in keys}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def _write(self):
        connections = {}
        chance = random.Random(5)
        while not self.stop.is_set():
            key = chance.choice(self.keys)
            address = self.address_of(key)
            if address not in connections:
                connections[address] = Connection(address)
            version = self.last[key] + 1
            assert connections[address].set(key, b"version %d" % version, 9) == b"STORED"
            self.last[key] = version
            time.sleep(0.0005)
        for connection in connections.values():
            connection.close()

    def end(self):
        self.stop.set()
        self.thread.join()


class Reader:
    """Sees that the versions of some keys never go back, at one address."""

    def __init__(self, keys, address):
        self.keys = keys
        self.connection = Connection(address)
        self.seen = {}
        self.regressions = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        while not self.stop.is_set():
            for key, (value, _) in self.connection.get_many(self.keys).items():
                number = version_of(value)
                if number < self.seen.get(key, 0):
                    self.regressions.append((key, self.seen[key], number))
                self.seen[key] = number
            time.sleep(0.001)

    def end(self):
        self.stop.set()
        self.thread.join()
        self.connection.close()


def version_of(value):
    return int(value[8:]) if value.startswith(b"version ") else 0


def contents(servers):
    """{key: (value, flags, expiry, server)}; of a key's several places the first."""
    found = {}
    for server in servers:
        with server.connect() as connection:
            listing = connection.listing()
            values = connection.get_many(listing)
            for key, expiry in listing.items():
                if key in values:
                    found.setdefault(key, (*values[key], expiry, server))
    return found


@pytest.mark.parametrize("remove", [False, True])
def test_warm_moves_all_from_phps_placement_to_a_proxys_though_killed(four, write, tmp_path, remove):
    keys = (30_000 if remove else 200_000) * EFFORT
    subprocess.run(["php", "-r", PHP_FILLS, addresses(four), str(keys)], check=True)
    time.sleep(1.1)  # then the brief ones have expired
    before = contents(four)
    assert len(before) > 0.99 * keys
    listen = f"127.0.0.1:{free_port()}"
    conf = write(pool(four, listen))
    chance = random.Random(6)
    changing = chance.sample(sorted(key for key in before if key.startswith(b"key:")), keys // 50)
    new_written, old_written = changing[::2], changing[1::2]
    arguments = ["warm", "--from-client", "php-memcached", "--from-servers", addresses(four),
                 "-c", conf, "--format", "json"]
    plan = run(*arguments, check=0)
    assert contents(four) == before, "a dry run changes nothing"

    arguments += ["--go", "--journal", str(tmp_path / "journal")] + (["--remove"] if remove else [])
    with nutcracker(conf, listen):
        in_new = Writer(new_written, lambda key: listen)
        in_old = Writer(old_written, lambda key: before[key][3].address)
        reader = Reader(old_written[:300], listen)
        killed = 0
        for _ in range(6):
            with subprocess.Popen([COMMAND, *arguments, "--rate", str(keys // 4)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as warm:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    warm.wait(chance.uniform(0.05, 0.9))
                if warm.poll() is None:
                    warm.send_signal(signal.SIGKILL)
                    killed += 1
        result = run(*arguments, check=0)
        for worker in (in_old, in_new, reader):
            worker.end()
        assert killed >= 3
        assert not (tmp_path / "journal").exists()
        assert reader.regressions == []
        assert total(result, "failed") == 0

        with contextlib.closing(Connection(listen)) as proxy:
            through = proxy.get_many(before)
    assert not set(before) - set(through)
    for key, (value, flags, _, _) in before.items():
        if key in in_new.last and in_new.last[key] > 0:
            assert version_of(through[key][0]) == in_new.last[key], key
        elif key in in_old.last and in_old.last[key] > 0:
            assert version_of(through[key][0]) <= in_old.last[key], key
        else:
            assert through[key] == (value, flags), key
    after = {}
    places = {}
    for server in four:
        with server.connect() as connection:
            for key, expiry in connection.listing().items():
                places.setdefault(key, []).append(server)
                after.setdefault(key, []).append(expiry)
    changed = set(changing)
    for key, (_, _, expiry, _) in before.items():
        if key not in changed:
            for end in after[key]:
                assert (end == expiry == -1) or abs(end - expiry) <= 1, key
    if remove:
        assert all(len(places[key]) == 1 for key in before if key not in changed)
    else:
        assert total(plan, "keys") == sum(len(places[key]) == 2 for key in before)
