"""Reads setups of Python clients as php_memcached.php does, and answers in the same way."""

import json
import sys


def pymemcache(setup):
    from pymemcache.client.hash import HashClient

    client = HashClient(
        [host if host.startswith("/") else (host, port) for host, port, _ in setup["servers"]]
    )
    as_bytes = ["key_type", "bytes"] in setup["options"]
    keys = map(bytes.fromhex, setup["keys"])
    return [client.hasher.get_node(key if as_bytes else key.decode()) for key in keys]


def python_memcached(setup):
    import binascii

    import memcache

    memcache._Host.connect = lambda self: 1  # it asks for the server, and needs none
    memcache.serverHashFunction = memcache.cmemcache_hash
    if setup["options"]:
        memcache.useOldServerHashFunction()
    assert binascii.crc32(b"a") > 0
    client = memcache.Client(
        [(f"{host}:{port}", weight) for host, port, weight in setup["servers"]]
    )
    servers = [client._get_server(bytes.fromhex(key))[0] for key in setup["keys"]]
    return [f"{server.ip}:{server.port}" for server in servers]


def uhashring(setup):
    from uhashring import HashRing

    nodes = {f"{host}:{port}": {"weight": weight} for host, port, weight in setup["servers"]}
    options = dict(setup["options"])
    if "vnodes" in options:
        options["vnodes"] = int(options["vnodes"])
    ring = HashRing(nodes, **options)
    return [ring.get_node(bytes.fromhex(key).decode()) for key in setup["keys"]]


CLIENTS = {
    "pymemcache": pymemcache,
    "python-memcached": python_memcached,
    "uhashring": uhashring,
}

for line in sys.stdin:
    setup = json.loads(line)
    print(json.dumps(CLIENTS[setup["client"]](setup)), flush=True)
