"""nutcracker.yml, read as twemproxy reads it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple

from . import _shardcache
from ._server import Server

_SHOWN = 20  # servers in a repr()


class ListenAddress(NamedTuple):
    """Where a pool listens: "host:port", or "/path [octal permissions]" for a unix socket."""

    text: str = ""
    host: str = ""
    port: int = 0
    permissions: int | None = None


@dataclasses.dataclass(frozen=True)
class PoolConfig:
    """The settings of one pool, under twemproxy's names and with twemproxy's defaults.

    An immutable value: make another with `dataclasses.replace(pool, servers=[...])`. None stands
    where twemproxy has no default.
    """

    name: str
    servers: tuple[Server, ...]
    """In the order of the file. Given as any iterable of Servers and lines of the file; each has
    the index that it has in the pool's placement."""
    listen: ListenAddress = ListenAddress()
    hash: str = "fnv1a_64"
    """One of HASHES."""
    hash_tag: str | None = None
    """Two bytes: of a key that has the first, and later the second, only what is between them is
    hashed."""
    distribution: str = "ketama"
    """Or "modula", or "random"."""
    timeout: timedelta | None = None
    backlog: int = 512
    client_connections: int | None = None
    redis: bool = False
    tcpkeepalive: bool = False
    reuseport: bool = False
    redis_auth: str | None = None
    redis_db: int = 0
    preconnect: bool = False
    auto_eject_hosts: bool = False
    server_connections: int = 1
    server_retry_timeout: timedelta = timedelta(seconds=30)
    server_failure_limit: int = 2
    char_sign: str = "signed"
    """The `char` of the machine that the proxy runs on: "signed" (x86-64), or "unsigned" (ARM).
    Some hashes differ for keys that are not ASCII; it is no setting of the file."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "servers", _indexed(self.servers))

    @cached_property
    def by_index(self) -> tuple[Server, ...]:
        """The servers in the order of their indexes, which is twemproxy's."""
        return tuple(sorted(self.servers, key=lambda server: server.index))

    def __repr__(self) -> str:
        """What makes the same pool again, unless it has many servers."""
        lines = [repr(server._as_line()) for server in self.servers[:_SHOWN]]
        if len(self.servers) > _SHOWN:
            lines.append(f"... {len(self.servers) - _SHOWN} more")
        settings = [f"name={self.name!r}", f"servers=[{', '.join(lines)}]"]
        for field in dataclasses.fields(self)[2:]:
            value = getattr(self, field.name)
            if value != field.default:
                settings.append(f"{field.name}={value!r}")
        return f"PoolConfig({', '.join(settings)})"

    def _as_fields(self) -> dict[str, Any]:
        """What the extension module takes."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["servers"] = tuple(server._as_tuple() for server in self.servers)
        return fields


class LintWarning(NamedTuple):
    """One thing about a pool that its owner should know."""

    pool: str
    setting: str
    """The setting to look at: "hash", "servers", ..."""
    message: str
    """What happens, with figures measured on this pool, and what helps."""

    def __str__(self) -> str:
        return f"pool '{self.pool}': {self.setting}: {self.message}"


def load(path: str | os.PathLike[str]) -> dict[str, PoolConfig]:
    """The pools of the configuration at `path`, by name, in the order of the file.

    Accepts and refuses what twemproxy 0.5.0 does (`nutcracker -t`); it raises an Error of code
    "invalid_config" that names line, pool, setting and value, or "io".
    """
    return _by_name(_shardcache.load_pools(os.fspath(path)))


def parse(text: str | bytes, file_name: str = "<string>") -> dict[str, PoolConfig]:
    """The same for a configuration that is at hand; `file_name` is what errors call it."""
    return _by_name(_shardcache.parse_pools(text, file_name))


def lint(pool: PoolConfig) -> list[LintWarning]:
    """What twemproxy accepts in `pool` and what hurts; empty if all is well."""
    return [LintWarning(*warning) for warning in _shardcache.lint(pool._as_fields())]


def check_listen(pool: PoolConfig) -> None:
    """Raises Error if this machine does not know the pool's listen host, which twemproxy looks up
    when it starts. May wait for the network."""
    _shardcache.check_listen(pool._as_fields())


def _by_name(pools: list[dict[str, Any]]) -> dict[str, PoolConfig]:
    return {fields["name"]: _from_fields(fields) for fields in pools}


def _from_fields(fields: dict[str, Any]) -> PoolConfig:
    fields["listen"] = ListenAddress(*fields["listen"])
    fields["servers"] = [Server(*server) for server in fields["servers"]]
    return PoolConfig(**fields)


def _indexed(servers: Iterable[Server | str]) -> tuple[Server, ...]:
    if isinstance(servers, str):
        raise TypeError("servers are many, and not a single str")
    parsed = [Server.parse(server) if isinstance(server, str) else server for server in servers]
    ranks = sorted(range(len(parsed)), key=lambda i: _ring_order(parsed[i].name))
    for index, position in enumerate(ranks):
        parsed[position] = dataclasses.replace(parsed[position], index=index)
    return tuple(parsed)


def _ring_order(name: str) -> tuple[int, bytes]:
    """twemproxy's order of servers: shorter names first, equal lengths by bytes."""
    raw = name.encode()
    return len(raw), raw
