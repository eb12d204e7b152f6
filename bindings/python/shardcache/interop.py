"""Where other memcached clients put keys.

Each function takes the servers in the order in which the application adds them, as Servers, as
("host", port[, weight]) or as "host:port[:weight]"; and the client's settings, in the order in
which the application makes them: for some clients it changes the result. What the owner of such a
setup may not expect is in `notes` of the Placement.

>>> php = interop.php_memcached(["10.0.0.1:11211"], libketama_compatible=True, hash="md5")
>>> php.locate("user:42").address
'10.0.0.1:11211'
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Union

from . import _shardcache
from ._config import PoolConfig, _from_fields
from ._error import Error
from ._placement import Placement
from ._server import Server

if TYPE_CHECKING:
    from ._types import RemedyTuple, SetupTuple

AnyServer = Union[Server, str, tuple[str, int], tuple[str, int, int]]
Option = Union[bool, int, str]


class ClientInfo(NamedTuple):
    """A client that is modelled."""

    name: str
    description: str
    verified: bool
    """Whether the tests run the program itself beside the model; else the model is from its source
    alone."""
    evidence: str
    """What exactly was run, or read."""
    options: str
    """Those that place keys, a line each."""


@dataclasses.dataclass(frozen=True)
class ClientSetup:
    """A client as an application sets it up. An immutable value."""

    client: str
    """A ClientInfo's name."""
    servers: tuple[Server, ...]
    options: tuple[tuple[str, str], ...] = ()
    """As the client names them, in the order in which they are set. Before the servers are added,
    unless one named "addServers" or "addServer" stands where that happens."""
    char_sign: str = "signed"

    def placement(self) -> Placement:
        """Where this client puts keys.

        Raises Error: "not_found" for a client or an option that is not known; "invalid_argument"
        for a value that makes no sense, or that the client itself refuses with an exception.
        """
        native, notes = _shardcache.model_client(self._as_tuple())
        return Placement._of(native, self, notes=notes)

    def _as_tuple(self) -> SetupTuple:
        servers = tuple(server._as_tuple() for server in self.servers)
        return (self.client, servers, self.options, self.char_sign)


class Remedy(NamedTuple):
    """Settings under which client and proxy put every key on the same server, or all but a few."""

    client: ClientSetup
    pool: PoolConfig
    client_changes: list[str]
    """What is other than today, in words; empty for a side that stays as it is."""
    pool_changes: list[str]
    client_snippet: str
    """Ready to paste, for a side that changes."""
    pool_snippet: str
    agreement: float
    """The part of all hashes on which they then agree, exactly."""
    client_moves: float
    """The part of the keys that are elsewhere from then on, by the client alone..."""
    pool_moves: float
    """... and by the proxy alone."""

    def __repr__(self) -> str:
        client, pool = "; ".join(self.client_changes), "; ".join(self.pool_changes)
        return (
            f"<shardcache.interop.Remedy, then {self.agreement:.5%} of all hashes agree: "
            f"client: {client or 'as it is'} (moves {self.client_moves:.1%}), "
            f"pool: {pool or 'as it is'} (moves {self.pool_moves:.1%})>"
        )


class Advice(NamedTuple):
    """Why a client and a proxy disagree, and what makes them agree."""

    agree: bool
    reasons: list[str]
    remedies: list[Remedy]
    """The nearest to today's settings first."""
    verdict: str
    """What to do where there is no remedy, or an imperfect one."""


def clients() -> list[ClientInfo]:
    """All clients that model() knows, with what it takes for each and how it was verified."""
    return [ClientInfo(*client) for client in _shardcache.clients()]


def model(
    client: str,
    servers: Iterable[AnyServer],
    options: Mapping[str, Option] | Iterable[tuple[str, Option]] = (),
    *,
    char_sign: str = "signed",
) -> Placement:
    """The placement of any client, with the names that the client itself has for its options.

    >>> interop.model("php-memcached", servers, {"OPT_HASH": "HASH_MD5"})
    """
    pairs = options.items() if isinstance(options, Mapping) else options
    given = tuple((name, _text(value)) for name, value in pairs)
    return ClientSetup(client, _servers(servers), given, char_sign).placement()


def php_memcached(servers: Iterable[AnyServer], **options: Option) -> Placement:
    """PHP's Memcached class. `libketama_compatible=True` is OPT_LIBKETAMA_COMPATIBLE, and so on;
    `hash="md5"` is Memcached::HASH_MD5, and `distribution="consistent"` likewise.

    `default_consistent_hash=True` is memcached.default_consistent_hash of php.ini.
    """
    given: list[tuple[str, Option]] = []
    for name, value in options.items():
        if name == "default_consistent_hash":
            given.append(("memcached.default_consistent_hash", value))
            continue
        if isinstance(value, str) and name in ("hash", "libketama_hash", "distribution"):
            value = _constant(name.removeprefix("libketama_"), value)
        given.append((f"OPT_{name.upper()}", value))
    return model("php-memcached", servers, given)


def php_memcached_session(servers: Iterable[AnyServer], **options: Option) -> Placement:
    """PHP sessions kept by php-memcached: `consistent_hash=True` is memcached.sess_consistent_hash
    of php.ini, and so on."""
    given = [(f"memcached.sess_{name}", value) for name, value in options.items()]
    return model("php-memcached-session", servers, given)


def pecl_memcache(servers: Iterable[AnyServer], **options: Option) -> Placement:
    """PHP's Memcache class: `hash_strategy="consistent"` is memcache.hash_strategy of php.ini, and
    so on."""
    given = [(f"memcache.{name}", value) for name, value in options.items()]
    return model("pecl-memcache", servers, given)


def libmemcached(servers: Iterable[AnyServer], **options: Option) -> Placement:
    """The C library: `ketama_weighted=True` is MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, and so on;
    `hash="md5"` is MEMCACHED_HASH_MD5, and `distribution="consistent"` likewise; `prefix_key` is
    MEMCACHED_CALLBACK_PREFIX_KEY.

    `options="--HASH=MD5 ..."` is the string that memcached() takes.
    """
    given: list[tuple[str, Option]] = []
    for name, value in options.items():
        if name == "options":
            given.append((name, value))
        elif name == "prefix_key":
            given.append(("MEMCACHED_CALLBACK_PREFIX_KEY", value))
        else:
            if isinstance(value, str) and name in ("hash", "distribution"):
                value = f"MEMCACHED_{_constant(name, value)}"
            given.append((f"MEMCACHED_BEHAVIOR_{name.upper()}", value))
    return model("libmemcached", servers, given)


def pylibmc(servers: Iterable[AnyServer], **behaviors: Option) -> Placement:
    """Python's pylibmc, with the behaviors that Client(behaviors={...}) takes, and `namespace`."""
    return model("pylibmc", servers, behaviors)


def advise(pool: PoolConfig, client: Placement | ClientSetup) -> Advice:
    """Why `client`, a placement of this module or what it is made of, disagrees with the proxy of
    `pool`, and which settings of either side make them agree.

    Takes up to seconds for pools of hundreds of servers.
    """
    setup = client.source if isinstance(client, Placement) else client
    if not isinstance(setup, ClientSetup):
        raise Error("the placement is not that of another client", "invalid_argument")
    agree, reasons, remedies, verdict = _shardcache.advise(pool._as_fields(), setup._as_tuple())
    return Advice(agree, reasons, [_remedy(remedy) for remedy in remedies], verdict)


def to_yaml(pool: PoolConfig) -> str:
    """The pool as nutcracker.yml has it, all settings but those that have no value."""
    return _shardcache.pool_to_yaml(pool._as_fields())


def to_code(client: Placement | ClientSetup) -> str:
    """Code that sets the client up: PHP, Python or C; for others a comment that says how."""
    setup = client.source if isinstance(client, Placement) else client
    if not isinstance(setup, ClientSetup):
        raise Error("the placement is not that of another client", "invalid_argument")
    return _shardcache.client_to_code(setup._as_tuple())


def _remedy(remedy: RemedyTuple) -> Remedy:
    (client, servers, options, char_sign), pool, *_ = remedy
    placed = tuple(Server(*server, index) for index, server in enumerate(servers))
    setup = ClientSetup(client, placed, tuple(options), char_sign)
    return Remedy(setup, _from_fields(pool), *remedy[2:])


def _servers(servers: Iterable[AnyServer]) -> tuple[Server, ...]:
    if isinstance(servers, str):
        raise TypeError("servers are many, such as a list of them, and not a single str")
    return tuple(
        dataclasses.replace(_server(server), index=index) for index, server in enumerate(servers)
    )


def _server(server: AnyServer) -> Server:
    if isinstance(server, Server):
        return server
    if not isinstance(server, str):
        host, port, weight = server if len(server) == 3 else (*server, 1)
        return Server.parse(f"{host}:{port}:{weight}" if port else f"{host}:{weight}")
    try:
        return Server.parse(server)
    except Error as as_given:
        try:
            return Server.parse(f"{server}:1")
        except Error:
            raise as_given from None


def _constant(kind: str, value: str) -> str:
    """ "md5" as HASH_MD5; what is already written so stays."""
    prefix = kind.upper() + "_"
    return value if prefix in value else prefix + value.upper()


def _text(value: Option) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
