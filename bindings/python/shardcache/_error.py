"""The one exception of this package."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """What went wrong. Its text is a whole sentence that names file, line, server or key.

    Wrong types raise TypeError instead, as they do everywhere in Python.
    """

    __module__ = "shardcache"  # as tracebacks name it

    code: str
    """For programs: "invalid_argument" (a value outside its documented range), "invalid_config"
    (twemproxy refuses it, or it cannot be placed), "not_found" (no pool, server or setting has
    that name), "io" (a file cannot be read) or "no_live_server" (all are ejected)."""

    server: str | None
    """The ring name of the server in question, if there is one."""

    key: bytes | str | None
    """The key in question, as the caller gave it, if there is one."""

    def __init__(
        self,
        message: str,
        code: str,
        server: str | None = None,
        key: bytes | str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.server = server
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        return Error, (str(self), self.code, self.server, self.key)
