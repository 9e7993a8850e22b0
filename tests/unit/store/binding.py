"""Stands in for FoundationDB's binding and a cluster behind it: what it answers, a test says."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sidecar.clock import Clock, SystemClock
from sidecar.store.foundationdb.engine import FoundationEngine
from sidecar.store.options import EngineOptions

CLUSTER_VERSION = 5_000
_LAZY = {"get", "get_versionstamp"}


class FDBError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Future:
    """An answer of the binding that is there at once: of the binding's ``FutureVoid`` and ``FutureInt64``."""

    def __init__(self, answer: object = None) -> None:
        self._answer = answer

    def wait(self) -> object:
        if isinstance(self._answer, FDBError):
            raise self._answer
        return self._answer

    def on_ready(self, call: Callable[["Future"], None]) -> None:
        """Call, unless it is None: then the watched value does not change."""
        if self._answer is not None:
            call(self)

    def cancel(self) -> None:
        """Nobody waits."""


class LazyFuture(Future):
    """The same of the binding's ``Value`` and ``Key``: they wait, but what they give back is themselves."""

    def wait(self) -> "LazyFuture":
        super().wait()
        return self

    @property
    def value(self) -> object:
        return super().wait()


class Cluster:
    """A transaction of a cluster that answers with what the test says; also what threads it was called in.

    Args:
        answers: By method; a list holds those of the first calls, the others are as if nothing were stored.
    """

    def __init__(self, **answers: object) -> None:
        self._answers = {"get_read_version": CLUSTER_VERSION, "get_versionstamp": b"", **answers}
        self.snapshot = self
        self.threads: set[threading.Thread] = set()
        self.rows: dict[bytes, bytes] = {}
        self.timeouts_ms: list[int] = []
        self.options = SimpleNamespace(
            set_timeout=self.timeouts_ms.append, set_next_write_no_write_conflict_range=lambda: None
        )

    def set_versionstamped_value(self, key: bytes, value: bytes) -> None:
        self.rows[key] = value[:-4]

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: object) -> Future:
            self.threads.add(threading.current_thread())
            answer = self._answers.get(name)
            if isinstance(answer, list):
                answer = answer.pop(0) if answer else None
            return (LazyFuture if name in _LAZY else Future)(answer(*arguments) if callable(answer) else answer)

        return call


def engine_on(cluster: Cluster, clock: Clock | None = None, **options: Any) -> FoundationEngine:
    """Return an engine on a cluster whose transactions are all this one."""
    binding = SimpleNamespace(FDBError=FDBError, open=lambda _path: SimpleNamespace(create_transaction=lambda: cluster))
    return FoundationEngine(
        binding, Path("fdb.cluster"), EngineOptions(**options), clock=clock or SystemClock(), left=lambda: None
    )
