"""A transaction's own writes, as its reads must see them and as its commit applies them.

A pure structure: knows no engine. Each key's writes are an *entry*: the new value (``bytes``), ``None`` (cleared), or a
``Stack`` of operations whose outcome depends on the stored value or on the versionstamp. Ranges are cleared, or
unreadable because a versionstamped key may come to lie there. Source of the rules: the recorded traces and
FoundationDB's documented read-your-writes behaviour.
"""

from bisect import bisect_left, insort
from typing import NamedTuple

from sidecar.store.embedded.atomics import OPERATIONS
from sidecar.store.embedded.ranges import RangeSet
from sidecar.store.engine import AtomicOp


class Stamped(NamedTuple):
    """A key or value with a hole for the versionstamp."""

    before: bytes
    after: bytes

    def filled(self, versionstamp: bytes) -> bytes:
        """Return the bytes with the stamp in its place."""
        return self.before + versionstamp + self.after


class SetValue(NamedTuple):
    """Write a value; None clears."""

    key: bytes
    value: bytes | None


class ClearRange(NamedTuple):
    """Remove every key of a range."""

    begin: bytes
    end: bytes


class Apply(NamedTuple):
    """Apply an atomic operation."""

    key: bytes
    op: AtomicOp
    param: bytes


class SetStampedValue(NamedTuple):
    """Write a value that holds the versionstamp."""

    key: bytes
    value: Stamped


class SetStampedKey(NamedTuple):
    """Write under a key that holds the versionstamp."""

    key: Stamped
    value: bytes


Mutation = SetValue | ClearRange | Apply | SetStampedValue | SetStampedKey


class Stack:
    """The operations on one key, in order, when they do not come down to a known value."""

    __slots__ = ("operations", "unreadable")

    def __init__(self, operations: list[Mutation], *, unreadable: bool) -> None:
        self.operations = operations
        self.unreadable = unreadable

    @property
    def independent(self) -> bool:
        """Whether the outcome does not depend on the stored value."""
        return not isinstance(self.operations[0], Apply)

    def outcome(self, stored: bytes | None) -> bytes | None:
        """Return what the key will hold, given what it holds; not for an unreadable one."""
        value = stored
        for operation in self.operations:
            if isinstance(operation, Apply):
                value = OPERATIONS[operation.op](value, operation.param)
            elif isinstance(operation, SetValue):
                value = operation.value
        return value


Entry = bytes | Stack | None
MISSING = Stack([], unreadable=False)  # "no entry"; None says "cleared"


class WriteMap:
    """The writes of one transaction. ``points`` is written to directly by the transaction's hot path."""

    __slots__ = (
        "_flushed", "_order", "_quiet", "cleared", "conflict_keys", "conflict_ranges", "points", "stamped",
        "unreadable",
    )  # fmt: skip

    def __init__(self) -> None:
        self.points: dict[bytes, Entry] = {}
        self.cleared = RangeSet()
        self.unreadable = RangeSet()
        self.conflict_ranges = RangeSet()
        self.conflict_keys: set[bytes] = set()  # beyond those of `points`
        self._quiet: set[bytes] = set()  # written without a write conflict
        self._order: list[bytes] | None = None  # the keys of `points`, sorted; made when a range is first looked at
        self._flushed: list[Mutation] = []
        self.stamped = False  # whether something depends on the versionstamp, so that reads can fail

    def __bool__(self) -> bool:
        return bool(
            self.points
            or self.cleared
            or self.unreadable
            or self.conflict_ranges
            or self.conflict_keys
            or self._flushed
        )

    def set(self, key: bytes, value: bytes, *, conflict: bool) -> None:
        """Write a value; a key that is unreadable stays so."""
        if not self.stamped:
            self._put(key, value, conflict=conflict)
            return
        entry = self._entry(key)
        if self._unreadable_entry(entry):
            self._put(key, Stack([*entry.operations, SetValue(key, value)], unreadable=True), conflict=conflict)  # type: ignore[union-attr]  # _unreadable_entry says it is a Stack
        elif entry is MISSING and key in self.unreadable:
            self._put(key, Stack([SetValue(key, value)], unreadable=True), conflict=conflict)
        else:
            self._put(key, value, conflict=conflict)

    def clear(self, key: bytes, *, conflict: bool) -> None:
        """Clear one key, which also makes it readable again."""
        self.unreadable.remove(key, key + b"\x00")
        self._put(key, None, conflict=conflict)

    def clear_range(self, begin: bytes, end: bytes, *, conflict: bool) -> None:
        """Clear a range, which also makes it readable again."""
        self._drop_points(begin, end, keep_conflicts=not conflict)
        self.unreadable.remove(begin, end)
        self.cleared.add(begin, end)
        if conflict:
            self.conflict_ranges.add(begin, end)

    def apply(self, op: AtomicOp, key: bytes, param: bytes, *, conflict: bool) -> None:
        """Apply an atomic operation: at once when the value is known, else at the commit."""
        entry = self._entry(key)
        if entry is MISSING:
            if key in self.unreadable:
                self._put(key, Stack([Apply(key, op, param)], unreadable=True), conflict=conflict)
                return
            if key not in self.cleared:
                self._put(key, Stack([Apply(key, op, param)], unreadable=False), conflict=conflict)
                return
            entry = None
        if isinstance(entry, Stack):
            entry.operations.append(Apply(key, op, param))  # a copy for each would be work squared
        else:
            entry = OPERATIONS[op](entry, param)
            if entry is None:  # not the same as cleared: selectors count it
                entry = Stack([SetValue(key, None)], unreadable=False)
        self._put(key, entry, conflict=conflict)

    def set_stamped_value(self, key: bytes, value: Stamped, *, conflict: bool) -> None:
        """Write a value that is known at the commit only."""
        self.stamped = True
        entry = self._entry(key)
        before: list[Mutation] = []
        if isinstance(entry, Stack):
            before = entry.operations
        self._put(key, Stack([*before, SetStampedValue(key, value)], unreadable=True), conflict=conflict)

    def set_stamped_key(self, key: Stamped, value: bytes, lowest: bytes) -> None:
        """Write under a key that is known at the commit only.

        Args:
            key: The key with its hole.
            value: The value.
            lowest: The stamp that the commit's will not be below: where the key lies for a later ``clear_range``.
        """
        self.stamped = True
        begin, end = key.filled(lowest), key.filled(b"\xff" * 10) + b"\x00"
        self._flush(begin, end)
        self.unreadable.add(begin, end)
        place = begin + len(key.before).to_bytes(4, "little")
        entry = self._entry(place)
        before = entry.operations if isinstance(entry, Stack) else []
        self._put(place, Stack([*before, SetStampedKey(key, value)], unreadable=True), conflict=False)

    def entry(self, key: bytes) -> Entry:
        """Return the entry of ``key``; ``MISSING`` when only the stored value counts."""
        entry = self._entry(key)
        if entry is MISSING and key in self.cleared:
            return None
        return entry

    def is_unreadable(self, key: bytes) -> bool:
        """Whether reading ``key`` has to fail."""
        entry = self._entry(key)
        return key in self.unreadable if entry is MISSING else self._unreadable_entry(entry)

    def keys_between(self, begin: bytes, end: bytes) -> list[bytes]:
        """Return the keys of ``points`` in a range, in order."""
        order = self.order()
        return order[bisect_left(order, begin) : bisect_left(order, end)]

    def next_point(self, key: bytes) -> bytes | None:
        """Return the first key of ``points`` at or above ``key``."""
        order = self.order()
        index = bisect_left(order, key)
        return order[index] if index < len(order) else None

    def previous_point(self, key: bytes) -> bytes | None:
        """Return the last key of ``points`` below ``key``."""
        order = self.order()
        index = bisect_left(order, key) - 1
        return order[index] if index >= 0 else None

    def order(self) -> list[bytes]:
        """Return the keys of ``points``, sorted."""
        if self._order is None:
            self._order = sorted(self.points)
        return self._order

    def touches(self, begin: bytes, end: bytes) -> bool:
        """Tell whether something in a range is written, cleared or unreadable."""
        following = self.next_point(begin)
        return (
            (following is not None and following < end)
            or self.cleared.overlaps(begin, end)
            or self.unreadable.overlaps(begin, end)
        )

    def unreadable_within(self, begin: bytes, end: bytes) -> bool:
        """Tell whether something in a range can not be read."""
        if not self.stamped:
            return False
        return self.unreadable.overlaps(begin, end) or any(
            self._unreadable_entry(self.points[key]) for key in self.keys_between(begin, end)
        )

    def depends_on_store(self, begin: bytes, end: bytes) -> list[tuple[bytes, bytes]]:
        """Return the parts of a range where what is read depends on what is stored: those a read conflicts on."""
        rest = RangeSet()
        rest.add(begin, end)
        for low, high in self.cleared.within(begin, end):
            rest.remove(low, high)
        for key in self.keys_between(begin, end):
            entry = self.points[key]
            if isinstance(entry, Stack) and not entry.independent:
                rest.add(key, key + b"\x00")
            else:
                rest.remove(key, key + b"\x00")
        return list(rest)

    def mutations(self) -> list[Mutation]:
        """Return everything to be applied, in order."""
        return self._flushed + self._emitted(list(self.cleared), self.order())

    def to_apply(self, prefix: bytes) -> tuple[list[tuple[bytes, bytes]], list[Mutation]]:
        """Return everything to be applied: values to set as rows, each key behind ``prefix``; then the rest, in order.

        The rest comes to other keys than the rows do: what was written where a stamped key may come to lie, before it
        or after, is no row.
        """
        if self._flushed or self.cleared:
            return [], self.mutations()
        points = self.points
        order = self.order()
        rows = [(prefix + key, value) for key in order if type(value := points[key]) is bytes]
        if len(rows) == len(order):
            return rows, []
        return rows, self._emitted([], [key for key in order if type(points[key]) is not bytes])

    def size_bytes(self, mutation_bytes: int) -> int:
        """Return the size of what a commit applies, with ``mutation_bytes`` for each mutation beside its own bytes."""
        return sum(mutation_bytes + _size_of(mutation) for mutation in self.mutations())

    def written_keys(self) -> list[bytes]:
        """Return the single keys whose readers conflict with this commit, without stamped keys."""
        if not self._quiet and not self.conflict_keys:
            return list(self.points)
        return [*(key for key in self.points if key not in self._quiet), *self.conflict_keys]

    def _entry(self, key: bytes) -> Entry:
        return self.points.get(key, MISSING)

    @staticmethod
    def _unreadable_entry(entry: Entry) -> bool:
        return isinstance(entry, Stack) and entry.unreadable

    def _put(self, key: bytes, entry: Entry, *, conflict: bool) -> None:
        known = key in self.points
        if self._order is not None and not known:
            insort(self._order, key)
        self.points[key] = entry
        if conflict:
            self._quiet.discard(key)
        elif not known:
            self._quiet.add(key)

    def _drop_points(self, begin: bytes, end: bytes, *, keep_conflicts: bool) -> None:
        if not self.points:
            return
        order = self.order()
        first, last = bisect_left(order, begin), bisect_left(order, end)
        for key in order[first:last]:
            del self.points[key]
            if key in self._quiet:
                self._quiet.discard(key)
            elif keep_conflicts:
                self.conflict_keys.add(key)
        del order[first:last]

    def _flush(self, begin: bytes, end: bytes) -> None:
        """Fix the order of the writes so far in a range before those that follow, and forget them for reading."""
        self._flushed.extend(self._emitted(self.cleared.within(begin, end), self.keys_between(begin, end)))
        self._drop_points(begin, end, keep_conflicts=True)
        self.cleared.remove(begin, end)

    def _emitted(self, cleared: list[tuple[bytes, bytes]], keys: list[bytes]) -> list[Mutation]:
        """Return mutations: ranges cleared first, because keys in them may have been set again."""
        mutations: list[Mutation] = [ClearRange(low, high) for low, high in cleared]
        for key in keys:
            entry = self.points[key]
            if isinstance(entry, Stack):
                mutations.extend(entry.operations)
            else:
                mutations.append(SetValue(key, entry))
        return mutations


def _size_of(mutation: Mutation) -> int:
    match mutation:
        case SetValue(key, value):
            return 3 * len(key) + len(value or b"")
        case Apply(key, _, param):
            return 3 * len(key) + len(param)
        case ClearRange(begin, end):
            return 2 * (len(begin) + len(end))
        case SetStampedKey(key, value):
            return 3 * (len(key.before) + len(key.after) + 10) + len(value)
        case SetStampedValue(key, value):
            return 3 * len(key) + len(value.before) + len(value.after) + 10
