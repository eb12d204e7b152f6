"""The key placement and failure ejection of twemproxy (nutcracker), in Python.

>>> import shardcache
>>> pools = shardcache.load("nutcracker.yml")
>>> placement = shardcache.Placement(pools["alpha"])
>>> placement.locate("user:42").address
'10.0.0.3:11211'
>>> placement.locate_many(["user:42", b"user:43"])
array([2, 0], dtype=uint32)

Keys are bytes, or str for their UTF-8. Where many are taken, any iterable of them is, and numpy
arrays of dtype S and Arrow columns without a Python object for each. Ctrl-C stops what takes long.
What fails raises shardcache.Error.
"""

from . import _shardcache, interop, proxy_stats
from ._analysis import EjectionEffect, ejection_effects, routing_change
from ._client import Client, StaleGuardEvent, Value
from ._client_metrics import ClientMetrics, LatencyHistogram, ServerMetrics
from ._compare import (
    Comparison,
    Difference,
    ExactComparison,
    Flow,
    Interval,
    compare,
    compare_exactly,
    wilson_interval,
)
from ._config import ListenAddress, LintWarning, PoolConfig, check_listen, lint, load, parse
from ._dual_client import DualClient, DualCounters
from ._ejector import EjectionRules, Ejector
from ._error import Error, PartialError
from ._fleet import (
    CleanRow,
    CleanServer,
    CleanSummary,
    FleetProgress,
    WarmRow,
    WarmSummary,
    clean,
    warm,
)
from ._hash import HASHES, depends_on_char_sign, hash, hash_many
from ._placement import Placement
from ._router import (
    FAILURE_KINDS,
    NO_SERVER,
    RemoteEjection,
    Router,
    RouterEvent,
    RouterSnapshot,
    ServerCounters,
)
from ._server import Server

__version__: str = _shardcache.version

__all__ = [
    "FAILURE_KINDS",
    "HASHES",
    "NO_SERVER",
    "CleanRow",
    "CleanServer",
    "CleanSummary",
    "Client",
    "ClientMetrics",
    "Comparison",
    "Difference",
    "DualClient",
    "DualCounters",
    "EjectionEffect",
    "EjectionRules",
    "Ejector",
    "Error",
    "ExactComparison",
    "Flow",
    "Interval",
    "FleetProgress",
    "LatencyHistogram",
    "LintWarning",
    "ListenAddress",
    "PartialError",
    "Placement",
    "PoolConfig",
    "RemoteEjection",
    "Router",
    "RouterEvent",
    "RouterSnapshot",
    "Server",
    "ServerCounters",
    "ServerMetrics",
    "StaleGuardEvent",
    "Value",
    "WarmRow",
    "WarmSummary",
    "check_listen",
    "clean",
    "compare",
    "compare_exactly",
    "depends_on_char_sign",
    "ejection_effects",
    "hash",
    "hash_many",
    "interop",
    "lint",
    "load",
    "parse",
    "proxy_stats",
    "routing_change",
    "warm",
    "wilson_interval",
]
