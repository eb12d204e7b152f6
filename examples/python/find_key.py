"""Reads a key from the very server that the proxy would ask: find_key.py nutcracker.yml KEY"""

import socket
import sys

import shardcache


def read(server: shardcache.Server, key: bytes) -> bytes | None:
    """The value that this server has, asked for past the proxy."""
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall(b"get %b\r\n" % key)
        with connection.makefile("rb") as reply:
            header = reply.readline().split()
            if header == [b"END"]:
                return None
            if header[:1] != [b"VALUE"]:
                raise OSError(f"{server} answered {header!r}")
            return reply.read(int(header[3]))


def main(config: str, key: str) -> int:
    (pool,) = shardcache.load(config).values()
    placement = shardcache.Placement(pool)
    home = placement.locate(key)
    print(f"{key} hashes to {placement.hash_key(key)}, which {home} owns")

    for server in placement.servers:
        value = read(server, key.encode())
        if value is not None:
            where = "at home" if server == home else "LEFT BEHIND by an ejection"
            print(f"{server.name} has {len(value)} bytes of it, {where}: {value[:60]!r}")
        elif server == home:
            print(f"{server.name} does not have it")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
