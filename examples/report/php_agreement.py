"""Is PHP's hash the proxy's hash?"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field

from findings import Bar, Bars, Section, Table
from lab import HERE, Connection, Lab, key_names, percent

COMPATIBLE = ("OPT_LIBKETAMA_COMPATIBLE", True)
FNV = ("OPT_HASH", "HASH_FNV1A_64")
STANDARD = ("memcache.hash_strategy", "standard")


@dataclass
class Setup:
    name: str
    client: str
    options: list[tuple[str, object]] = field(default_factory=list)
    proxy: tuple[str, str] = ("ketama", "fnv1a_64")
    """Its distribution and hash; these are the usual ones."""
    remedy: bool = False


SETUPS = [
    Setup("php-memcached as it is", "Memcached"),
    Setup("php-memcached, ketama compatible", "Memcached", [COMPATIBLE]),
    Setup("php-memcached, hash and then compatible", "Memcached", [FNV, COMPATIBLE]),
    Setup("pecl memcache as it is", "Memcache"),
    Setup("pecl memcache, standard", "Memcache", [STANDARD]),
    Setup("php-memcached, compatible and then hash", "Memcached", [COMPATIBLE, FNV], remedy=True),
    Setup("php-memcached as it is; proxy changed", "Memcached", [],
          ("modula", "one_at_a_time"), remedy=True),
    Setup("pecl memcache, standard; proxy changed", "Memcache", [STANDARD],
          ("modula", "crc32"), remedy=True),
]


def ask(lab: Lab) -> Section:
    section = Section("php", "Is PHP’s hash the proxy’s hash?")
    values = {key: f"value of {key}".encode()
              for key in key_names("user", 500 if lab.quick else 5000)}
    keys = lab.keys(values, "php_keys.txt")
    table = Table("Written by PHP, read through the proxy",
                  ["PHP", "proxy", "keys", "found", "hit rate", "not found, by the model"], [],
                  ["examples/report/run --only php"])
    before, after = [], []
    exact = True
    with lab.scope():
        servers = lab.memcacheds(4)
        for setup in SETUPS:
            distribution, hash_name = setup.proxy
            pool = lab.pool(f"php_{distribution}_{hash_name}", [s.port for s in servers],
                            distribution=distribution, hash=hash_name)
            for server in servers:
                with Connection(server.port) as connection:
                    connection.ask("flush_all")
            write(setup, [s.port for s in servers], values)
            with Connection(lab.proxy(pool).port) as proxy:
                found = sum(values[k] == v for k, v in proxy.get_many(values).items())
            rows, command = lab.run("agree", "-c", pool, *model(setup), "--keys", keys,
                                    allowed=(0, 1))
            differs = rows[0]["different"]
            exact &= found == len(values) - differs
            (after if setup.remedy else before).append(found)
            table.rows.append([setup.name, f"{distribution}, {hash_name}", str(len(values)),
                               str(found), percent(found, len(values), 2), str(differs)])
            table.commands.append(command)
            section.files[pool.name] = pool.read_text()
    section.tables.append(table)
    section.charts.append(Bars(
        "Found through the proxy, of what PHP wrote to the servers directly",
        [Bar(row[0], int(row[3]), row[4], "good" if nearly_all(int(row[3]), len(values)) else "bad")
         for row in table.rows], len(values)))
    remedied = all(nearly_all(found, len(values)) for found in after)
    agrees = any(nearly_all(found, len(values)) for found in before)
    section.verdict = "yes" if agrees else "no"
    section.answer = (
        f"With PHP’s own settings the proxy finds "
        f"{percent(min(before), len(values))} to {percent(max(before), len(values))} of the keys; "
        f"with two options in the right order {percent(after[0], len(values), 2)}, with the proxy’s "
        f"hash changed {percent(min(after[1:]), len(values), 2)}.")
    section.notes.append(
        "The remedy: <code>OPT_LIBKETAMA_COMPATIBLE</code> first, then <code>OPT_HASH</code> = "
        "<code>HASH_FNV1A_64</code>; the other way round the hash is forgotten. "
        + ("The number of keys not found was that of <code>shardcache agree</code> in each row."
           if exact else "The model and the measurement DIFFER.")
        + " pecl memcache puts one key in 32,768, whose hash is 0, where the proxy does not.")
    if not (exact and remedied):
        section.verdict = "partly"
    return section


def nearly_all(found: int, count: int) -> bool:
    """But for keys whose hash pecl memcache takes for 0: one in 32,768."""
    return found >= count - max(1, count / 1000)


def write(setup: Setup, ports: list[int], values: dict[str, bytes]) -> None:
    job = {"client": setup.client, "options": setup.options, "ports": ports,
           "values": {key: value.decode() for key, value in values.items()}}
    done = subprocess.run(["php", str(HERE / "write.php")], input=json.dumps(job), text=True,
                          capture_output=True, check=True)
    if done.stdout.strip() != "0":
        raise RuntimeError(f"{setup.name}: PHP could not write: {done.stdout}{done.stderr}")


def model(setup: Setup) -> list[str]:
    """The same for `shardcache agree`."""
    client = "php-memcached" if setup.client == "Memcached" else "pecl-memcache"
    args = ["--client", client]
    for name, value in setup.options:
        args += ["--set", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    return args
