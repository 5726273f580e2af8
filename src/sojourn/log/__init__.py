"""The durable event log: one port, several adapters."""

from sojourn.log.memory_log import MemoryLog
from sojourn.log.retention import DAY_MS, Retention
from sojourn.log.sqlite_log import SqliteLog
from sojourn.log.state_store import SqliteStateStore
from sojourn.log.trimming import LogStats

__all__ = ["DAY_MS", "LogStats", "MemoryLog", "Retention", "SqliteLog", "SqliteStateStore"]
