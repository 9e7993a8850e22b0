"""An engine that fails its n-th operation or commit: what stands on the store is run over it with n = 1, 2, ….

A wrapper of any engine. Counted are the calls of ``get``, ``get_key``, ``get_range``, the mutations and the commit of
every transaction, in order. The chosen one raises the given error, once; a failing commit writes nothing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sidecar.errors import SidecarError
from sidecar.store.backup import Progress
from sidecar.store.engine import (
    AtomicOp,
    Engine,
    KeySelector,
    ReadTransaction,
    Transaction,
    Watch,
)

T = TypeVar("T")
Rows = list[tuple[bytes, bytes]]


class Fuse:
    """Counts operations and breaks at one.

    Args:
        at: The number of the operation that fails, from 1; 0 never fails.
        error: Made anew and raised there.
    """

    def __init__(self, at: int, error: Callable[[], SidecarError]) -> None:
        self.at = at
        self.count = 0
        self.reads = 0
        self._error = error

    @property
    def blown(self) -> bool:
        """Whether the failing operation has been reached."""
        return 0 < self.at <= self.count

    def step(self) -> None:
        """Count one operation."""
        self.count += 1
        if self.count == self.at:
            raise self._error()

    def read(self) -> None:
        """Count one read, which is an operation as well: on a cluster each waits for an answer."""
        self.reads += 1
        self.step()


class FailingReader:
    """Reads that are counted."""

    def __init__(self, inner: ReadTransaction, fuse: Fuse) -> None:
        self._reads = inner
        self._fuse = fuse

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        self._fuse.read()
        return self._reads.get(key, snapshot=snapshot)

    def get_many(self, keys: Sequence[bytes], *, snapshot: bool = False) -> list[bytes | None]:
        self._fuse.read()
        return self._reads.get_many(keys, snapshot=snapshot)

    def get_key(self, selector: KeySelector, *, snapshot: bool = False) -> bytes:
        self._fuse.read()
        return self._reads.get_key(selector, snapshot=snapshot)

    def get_range(
        self,
        begin: bytes | KeySelector,
        end: bytes | KeySelector,
        *,
        limit: int = 0,
        reverse: bool = False,
        snapshot: bool = False,
    ) -> Rows:
        self._fuse.read()
        return self._reads.get_range(begin, end, limit=limit, reverse=reverse, snapshot=snapshot)


class FailingTransaction(FailingReader):
    """A transaction whose operations are counted."""

    def __init__(self, inner: Transaction, fuse: Fuse) -> None:
        super().__init__(inner, fuse)
        self._inner = inner

    def set(self, key: bytes, value: bytes) -> None:
        self._fuse.step()
        self._inner.set(key, value)

    def clear(self, key: bytes) -> None:
        self._fuse.step()
        self._inner.clear(key)

    def clear_range(self, begin: bytes, end: bytes) -> None:
        self._fuse.step()
        self._inner.clear_range(begin, end)

    def atomic(self, op: AtomicOp, key: bytes, param: bytes) -> None:
        self._fuse.step()
        self._inner.atomic(op, key, param)

    def versionstamped_key(self, before: bytes, after: bytes, value: bytes) -> None:
        self._fuse.step()
        self._inner.versionstamped_key(before, after, value)

    def versionstamped_value(self, key: bytes, before: bytes, after: bytes) -> None:
        self._fuse.step()
        self._inner.versionstamped_value(key, before, after)

    def add_read_conflict_range(self, begin: bytes, end: bytes) -> None:
        self._inner.add_read_conflict_range(begin, end)

    def add_read_conflict_key(self, key: bytes) -> None:
        self._inner.add_read_conflict_key(key)

    def add_write_conflict_range(self, begin: bytes, end: bytes) -> None:
        self._inner.add_write_conflict_range(begin, end)

    def add_write_conflict_key(self, key: bytes) -> None:
        self._inner.add_write_conflict_key(key)

    def no_write_conflict(self) -> None:
        self._inner.no_write_conflict()

    def size_bytes(self) -> int:
        return self._inner.size_bytes()

    def read_version(self) -> int:
        return self._inner.read_version()

    def commit(self) -> None:
        self._fuse.step()
        self._inner.commit()

    def versionstamp(self) -> bytes:
        return self._inner.versionstamp()

    def on_error(self, error: int) -> None:
        self._inner.on_error(error)

    def reset(self) -> None:
        self._inner.reset()

    def cancel(self) -> None:
        self._inner.cancel()

    def watch(self, key: bytes) -> Watch:
        return self._inner.watch(key)


class FailingEngine:
    """An engine whose transactions are counted by one fuse."""

    def __init__(self, inner: Engine, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    @property
    def epoch(self) -> str:
        return self._inner.epoch

    async def transact(self, body: Callable[[Transaction], T], *, background: bool = False) -> T:
        def counted(tr: Transaction) -> T:
            result = body(FailingTransaction(tr, self._fuse))
            self._fuse.step()  # the commit: nothing is written when it fails here
            return result

        return await self._inner.transact(counted, background=background)

    async def read(self, body: Callable[[ReadTransaction], T], *, background: bool = False) -> T:
        def counted(tr: ReadTransaction) -> T:
            return body(FailingReader(tr, self._fuse))

        return await self._inner.read(counted, background=background)

    def newest_version(self) -> int | None:
        return self._inner.newest_version()

    async def watch(self, key: bytes) -> Watch:
        return await self._inner.watch(key)

    def begin(self) -> FailingTransaction:
        return FailingTransaction(self._inner.begin(), self._fuse)

    async def backup(self, path: Path, *, progress: Progress | None = None) -> int:
        return await self._inner.backup(path, progress=progress)

    async def close(self) -> None:
        await self._inner.close()
