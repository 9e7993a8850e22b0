"""Transactions of the embedded engine: reads under own writes, and what a commit hands to the writer."""

from sidecar import limits
from sidecar.errors import TransactionError
from sidecar.store.embedded.environment import DATA
from sidecar.store.embedded.reads import Reads
from sidecar.store.embedded.selectors import LAST
from sidecar.store.embedded.watches import EmbeddedWatch
from sidecar.store.embedded.write_map import Stamped
from sidecar.store.embedded.writer import Commit
from sidecar.store.engine import AtomicOp

_KEY_BYTES_MAX = limits.store_embedded_key_bytes_max
_VALUE_BYTES_MAX = limits.store_value_bytes_max
_MUTATION_BYTES = 48  # what FoundationDB counts beside the bytes of a mutation and of a range, roughly
RETRYABLE = frozenset((1007, 1009, 1020, 1021, 1037, 1038, 1042))


class EmbeddedTransaction(Reads):
    """A transaction; the port says what its methods do."""

    __slots__ = ("_committed", "_quiet_next", "_size", "_watches")

    def _forget(self) -> None:
        super()._forget()
        self._quiet_next = False
        self._size = 0
        self._watches: list[EmbeddedWatch] = []
        self._committed: Commit | None = None

    # --- writes

    def set(self, key: bytes, value: bytes) -> None:
        """Write ``value`` under ``key``."""
        if self._may_write(key, value):
            if self._watches:
                self._trigger(key, key + b"\x00", value)
            self._writes.set(key, value, conflict=self._take_conflict())

    def clear(self, key: bytes) -> None:
        """Remove ``key``."""
        if self._may_write(key, b""):
            if self._watches:
                self._trigger(key, key + b"\x00", None)
            self._writes.clear(key, conflict=self._take_conflict())

    def clear_range(self, begin: bytes, end: bytes) -> None:
        """Remove every key from ``begin`` (included) to ``end`` (excluded)."""
        if self._may_span(begin, end):
            if self._watches:
                self._trigger(begin, end, None)
            self._writes.clear_range(begin, end, conflict=self._take_conflict())

    def atomic(self, op: AtomicOp, key: bytes, param: bytes) -> None:
        """Apply ``op`` to the value under ``key`` at the commit."""
        if self._may_write(key, param):
            if self._watches:
                self._trigger(key, key + b"\x00", None, known=False)
            self._writes.apply(op, key, param, conflict=self._take_conflict())

    def versionstamped_key(self, before: bytes, after: bytes, value: bytes) -> None:
        """Write ``value`` under ``before`` + the versionstamp + ``after``."""
        stamped = Stamped(before, after)
        if self._may_write(stamped.filled(b"\x00" * 10), value):
            self._take_conflict()
            version = 0 if self._read_version is None else self._read_version + 1
            self._writes.set_stamped_key(stamped, value, version.to_bytes(8, "big") + b"\x00\x00")

    def versionstamped_value(self, key: bytes, before: bytes, after: bytes) -> None:
        """Write ``before`` + the versionstamp + ``after`` under ``key``."""
        stamped = Stamped(before, after)
        if self._may_write(key, stamped.filled(b"\x00" * 10)):
            if self._watches:
                self._trigger(key, key + b"\x00", None, known=False)
            self._writes.set_stamped_value(key, stamped, conflict=self._take_conflict())

    def add_read_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Commit only if nobody else wrote into the range since the read version."""
        _check_upright(begin, end)
        if self._may_span(begin, end):
            self._conflict_on(begin, end)

    def add_read_conflict_key(self, key: bytes) -> None:
        """Commit only if nobody else wrote ``key`` since the read version."""
        self.add_read_conflict_range(key, key + b"\x00")

    def add_write_conflict_range(self, begin: bytes, end: bytes) -> None:
        """Make readers of the range conflict with this commit."""
        _check_upright(begin, end)
        if self._may_span(begin, end):
            self._writes.conflict_ranges.add(begin, end)

    def add_write_conflict_key(self, key: bytes) -> None:
        """Make readers of ``key`` conflict with this commit."""
        self.add_write_conflict_range(key, key + b"\x00")

    def no_write_conflict(self) -> None:
        """Let the next mutation add no write conflict range."""
        self._quiet_next = True

    def size_bytes(self) -> int:
        """Return the size that the commit is measured by: mutations and conflict ranges so far."""
        reads = sum(2 * len(key) + 1 for key in self._read_keys)
        return self._size + reads + sum(len(begin) + len(end) for begin, end in self._read_ranges)

    def _take_conflict(self) -> bool:
        conflict, self._quiet_next = not self._quiet_next, False
        return conflict

    def _may_write(self, key: bytes, value: bytes) -> bool:
        """Check one key's mutation; what is wrong is raised by the next read or the commit."""
        if self._barrier:
            return False
        if key >= LAST:
            self._barrier = 2004
        elif len(key) > _KEY_BYTES_MAX:
            self._barrier = 2102
        elif len(value) > _VALUE_BYTES_MAX:
            self._barrier = 2103
        else:
            self._size += 3 * len(key) + len(value) + _MUTATION_BYTES
            return True
        return False

    def _may_span(self, begin: bytes, end: bytes) -> bool:
        if self._barrier:
            return False
        if begin > end:
            self._barrier = 2005
        elif begin > LAST or end > LAST:
            self._barrier = 2004
        else:
            self._size += 2 * (len(begin) + len(end)) + _MUTATION_BYTES
            return True
        return False

    # --- ends

    def commit(self) -> None:
        """Commit, blocking; durable when it returns."""
        commit = self.prepare()
        if commit is not None:
            self._host.submit_and_wait(commit)
        self.finished()

    def prepare(self) -> Commit | None:
        """Return what the writer needs, or None when there is nothing to write; no use after it but ``finished``."""
        if self._barrier:
            raise TransactionError(self._barrier)
        self._barrier = 2017
        self._release()
        if self._failed_read is not None:
            raise self._failed_read
        if not self._writes:
            return None
        return self._to_commit()

    def _to_commit(self) -> Commit:
        writes = self._writes
        commit = Commit()
        commit.read_version = self._read_version
        commit.read_keys, commit.read_ranges = self._read_keys, self._read_ranges
        commit.write_keys, commit.write_ranges = writes.written_keys(), list(writes.conflict_ranges)
        commit.rows, commit.mutations = writes.to_apply(DATA)
        commit.size_bytes = self.size_bytes()
        if commit.size_bytes > limits.store_transaction_bytes_max:
            commit.size_bytes += writes.size_bytes(_MUTATION_BYTES) - self._size  # what was overwritten does not count
            if commit.size_bytes > limits.store_transaction_bytes_max:
                raise TransactionError(2101)
        commit.watches = self._watches
        self._committed = commit
        return commit

    def finished(self) -> None:
        """Take the writer's answer: raise its error, or start the watches."""
        commit = self._committed
        if commit is not None and commit.error is not None:
            raise commit.error
        if commit is None:
            self._host.activate(self._watches)
        self._watches = []

    def versionstamp(self) -> bytes:
        """Return the versionstamp of the last commit."""
        if self._committed is None or self._committed.versionstamp is None:
            raise TransactionError(2021)
        return self._committed.versionstamp

    def on_error(self, error: int) -> None:
        """Prepare for another try after ``error``, or raise it."""
        if self._barrier == 1025:
            raise TransactionError(1025)
        if error not in RETRYABLE:
            self.cancel()
            raise TransactionError(error)
        self.reset()

    def reset(self) -> None:
        """Forget everything, as if just begun."""
        self._end_watches(1101)
        self._release()
        self._forget()

    def cancel(self) -> None:
        """Give up."""
        self._end_watches(1025)
        self._release()
        self._barrier = 1025

    # --- watches

    def watch(self, key: bytes) -> EmbeddedWatch:
        """Watch ``key`` from the value that this transaction sees in it, from the commit on."""
        watch = self._host.watches.make(key, self.get(key))
        self._watches.append(watch)
        return watch

    def _trigger(self, begin: bytes, end: bytes, value: bytes | None, *, known: bool = True) -> None:
        """End our own watches whose key is written after they were made, unless with the value that they know."""
        for watch in self._watches:
            if begin <= watch.key < end and not (known and watch.value == value):
                watch.end()

    def _end_watches(self, error: int) -> None:
        for watch in self._watches:
            watch.end(TransactionError(error))
        self._watches = []


def _check_upright(begin: bytes, end: bytes) -> None:
    if begin > end:
        raise TransactionError(2005)
