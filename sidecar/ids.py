"""Typed identifiers: UUIDv7 in their canonical text form.

A UUIDv7 begins with its time of creation, so records made later have larger keys. Source: RFC 9562, section 5.7.
"""

import itertools
import os
import threading
import uuid
from contextvars import ContextVar
from typing import NewType

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)
AuthSessionId = NewType("AuthSessionId", str)
WorkspaceId = NewType("WorkspaceId", str)
WorkspaceSessionId = NewType("WorkspaceSessionId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
AuditId = NewType("AuditId", str)
FileId = NewType("FileId", str)
AgentId = NewType("AgentId", str)
SettingId = NewType("SettingId", str)
SnapshotId = NewType("SnapshotId", str)

_RANDOM_BLOCK_BYTES = 512
ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


current_request: ContextVar[str] = ContextVar("current_request", default="")
"""The id of the request that the running task answers, for whoever logs or commits; empty in background work."""


class IdSource:
    """Makes UUIDv7s that rise within one process, also inside one millisecond and when the clock goes back.

    The 74 random bits of RFC 9562 are a counter seeded at random in each new millisecond (its method 2 of section 6.2).
    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ms = 0
        self._tail = 0
        self._random = b""

    def new(self, now_ms: int) -> str:
        """Return a new identifier for the given time in milliseconds since 1970."""
        with self._lock:
            return id_text(f"{self._number(now_ms):032x}")

    def new_many(self, now_ms: int, count: int) -> list[tuple[str, bytes]]:
        """Return so many, each as its text and its 16 bytes."""
        with self._lock:
            numbers = [self._number(now_ms) for _ in range(count)]
        return [(id_text(f"{number:032x}"), number.to_bytes(16, "big")) for number in numbers]

    def _number(self, now_ms: int) -> int:
        if now_ms > self._ms:
            self._ms = now_ms
            self._tail = int.from_bytes(self._drawn(10), "big") >> 7  # 73 bits: the top one stays free to count into
        else:
            self._tail += 1 + self._drawn(1)[0]
        high, low = self._tail >> 62, self._tail & ((1 << 62) - 1)
        return (self._ms & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low

    def _drawn(self, size: int) -> bytes:
        # Drawn in blocks: each draw gives up the interpreter's lock, and a busy thread may keep it for 5 ms.
        if len(self._random) < size:
            self._random = os.urandom(_RANDOM_BLOCK_BYTES)
        drawn, self._random = self._random[:size], self._random[size:]
        return drawn


def id_text(digits: str) -> str:
    """Return an identifier of its 32 hexadecimal digits."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_process_ids = IdSource()


def new_id(now_ms: int) -> str:
    """Return a new UUIDv7 of this process's own rising sequence for the given time (ms since 1970)."""
    return _process_ids.new(now_ms)


def new_ids(now_ms: int, count: int) -> list[tuple[str, bytes]]:
    """Return so many of them, each as its text and its 16 bytes."""
    return _process_ids.new_many(now_ms, count)


def id_behind(identifier: str) -> str:
    """Return a new identifier that sorts a little behind one; of the very last ones there is none, and it is the first.

    For what has to follow that one although the clock does not say so. Many may do this at once: it is random.
    """
    number = int.from_bytes(id_bytes(identifier), "big") + 1 + int.from_bytes(os.urandom(4), "big")
    return id_text(f"{number % (1 << 128):032x}")


class RequestIds:
    """Makes ids of requests: UUIDs that share a beginning, of this process's own, and count.

    They name what a log and an answer tell of, and are no keys; a request is too short for a UUID of its own time.
    """

    def __init__(self, now_ms: int) -> None:
        self._beginning = new_id(now_ms)[:24]
        self._count = itertools.count(1)

    def new(self) -> str:
        """Return the next one."""
        return f"{self._beginning}{next(self._count):012x}"


def id_bytes(identifier: str) -> bytes:
    """Return the 16 bytes of an identifier; raises ValueError when it is none."""
    return uuid.UUID(identifier).bytes
