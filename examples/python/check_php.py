"""Do PHP and the proxy put every key on the same server?  check_php.py nutcracker.yml KEYS

KEYS has a key a line. PHP's setup is written down here, in the order in which the application makes
it. Exits with 1 if they disagree.
"""

import sys

import shardcache
from shardcache import interop


def main(config: str, key_file: str) -> int:
    (pool,) = shardcache.load(config).values()
    for warning in shardcache.lint(pool):
        print("warning:", warning)

    # $memcached->setOption(Memcached::OPT_LIBKETAMA_COMPATIBLE, true);
    # $memcached->addServers([...]);
    php = interop.php_memcached(
        [(server.host, server.port, server.weight) for server in pool.servers],
        libketama_compatible=True,
    )
    for note in php.notes:
        print("note:", note)

    proxy = shardcache.Placement(pool)
    with open(key_file, "rb") as lines:
        result = shardcache.compare(proxy, php, (line.rstrip(b"\n") for line in lines))
    print(f"{result.disagreements} of {result.keys} keys disagree ({result.fraction:.1%})")
    for key, first, second in result.examples[:3]:
        print(f"  {key!r}: the proxy uses {first.address}, PHP {second.address}")
    if result.disagreements == 0:
        return 0

    advice = interop.advise(pool, php)
    for reason in advice.reasons:
        print("because:", reason)
    for remedy in advice.remedies[:1]:
        print(f"agree on {remedy.agreement:.0%} of all keys with:")
        print(remedy.client_snippet or remedy.pool_snippet)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
