"""The exceptions of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Error(Exception):
    """What went wrong. Its text is a whole sentence that names file, line, server or key.

    Wrong types raise TypeError instead, as they do everywhere in Python.
    """

    __module__ = "shardcache"  # as tracebacks name it

    code: str
    """For programs: "invalid_argument" (a value outside its documented range), "invalid_config"
    (twemproxy refuses it, or it cannot be placed), "not_found" (no pool, server or setting has
    that name), "io" (a file cannot be read), "no_live_server" (all are ejected); and of a request to
    a server: "timeout" (no answer in time), "disconnected" (no connection, or it was lost before
    the answer), "protocol" (the server answered what it never should) or "refused_by_server" (it
    answered ERROR, CLIENT_ERROR or SERVER_ERROR)."""

    server: str | None
    """The ring name of the server in question, if there is one."""

    key: bytes | str | None
    """The key in question, as the caller gave it, if there is one."""

    maybe_applied: bool
    """Of a request to a server that changes something: it may have been carried out, or may yet
    be, though nothing says so."""

    def __init__(
        self,
        message: str,
        code: str,
        server: str | None = None,
        key: bytes | str | None = None,
        maybe_applied: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.server = server
        self.key = key
        self.maybe_applied = maybe_applied

    def __reduce__(self) -> tuple[Any, ...]:
        return Error, (str(self), self.code, self.server, self.key, self.maybe_applied)


class PartialError(Error):
    """Some of the keys that a call was about, or of the servers that it asked, failed; the others
    did not. `code`, `server` and `key` are those of the first that failed; `maybe_applied` is true
    if it is of any."""

    __module__ = "shardcache"

    values: dict[Any, Any]
    """What the call would have returned of the others: of get_many(), the values that there are,
    by key; of stats(), those of the servers that answered, by ring name."""

    errors: dict[Any, Error]
    """The error of each that failed, by key as the caller gave it, or by ring name."""

    def __init__(
        self, values: Mapping[Any, Any], errors: Mapping[Any, Error], summary: str
    ) -> None:
        """`errors` has one at least. `summary`: how many failed."""
        first = next(iter(errors.values()))
        maybe_applied = any(error.maybe_applied for error in errors.values())
        text = f"{summary}; the first: {first}"
        super().__init__(text, first.code, first.server, first.key, maybe_applied)
        self.values = dict(values)
        self.errors = dict(errors)
        self._summary = summary

    def __reduce__(self) -> tuple[Any, ...]:
        return PartialError, (self.values, self.errors, self._summary)
