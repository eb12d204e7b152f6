"""Servers as twemproxy names them."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

from . import _shardcache
from ._error import Error

if TYPE_CHECKING:
    from ._types import ServerTuple


@dataclasses.dataclass(frozen=True)
class Server:
    """One server of a pool. An immutable value; equal if all but `index` is."""

    name: str
    """The ring name, which is hashed to place the server: the node name if one is given; else
    the host alone for port 11211; else "host:port"; else, for a unix socket, "path:"."""
    host: str
    """Without brackets; or the path of a unix socket."""
    port: int
    """0 for a unix socket."""
    weight: int = 1
    named: bool = False
    """Whether `name` was given, and not made from host and port."""
    index: int = dataclasses.field(default=0, compare=False)
    """Its place among the servers of its pool, which twemproxy sorts by ring name: shorter ones
    first, then by bytes. 0 for a server of no pool."""

    @classmethod
    def parse(cls, line: str) -> Server:
        """Reads a line of `servers:`, "host:port:weight [name]" or "/path:weight [name]"."""
        return cls(*_shardcache.parse_server(line))

    @cached_property
    def address(self) -> str:
        """ "host:port", "[host]:port" where the host has a colon, or the socket's path."""
        return _shardcache.address(self._as_tuple())

    def _as_line(self) -> str:
        """What parse() reads."""
        address = f"{self.host}:{self.port}" if self.port else self.host
        return f"{address}:{self.weight}" + (f" {self.name}" if self.named else "")

    def _as_tuple(self) -> ServerTuple:
        return (self.name, self.host, self.port, self.weight, self.named)

    def __str__(self) -> str:
        return f"{self.name} ({self.address})" if self.name != self.address else self.name


def numbered(servers: tuple[ServerTuple, ...]) -> tuple[Server, ...]:
    """Servers in the order of their indexes."""
    return tuple(Server(*server, index) for index, server in enumerate(servers))


def index_of(servers: tuple[Server, ...], wanted: int | str | Server) -> int:
    """The index of a server that is given by its index, its ring name or as it is."""
    if isinstance(wanted, int):
        if 0 <= wanted < len(servers):
            return wanted
        raise Error(f"there is no server {wanted} in a pool of {len(servers)}", "invalid_argument")
    name = wanted.name if isinstance(wanted, Server) else wanted
    for server in servers:
        if server.name == name:
            return server.index
    names = ", ".join(server.name for server in servers[:10])
    more = ", ..." if len(servers) > 10 else ""
    raise Error(f"no server has the ring name {name!r}; there are {names}{more}", "not_found", name)
