"""Counters that many writers bump at once: atomic ADD, so that nobody reads and nobody conflicts.

A repository declares what its records count for; ``base`` adds and takes away with each mutation, ``doctor`` counts
again. A counter is 8 bytes, little-endian, signed; absent is 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sidecar.models.base import Record
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.engine import AtomicOp
from sidecar.store.tuples import Items

R = TypeVar("R", bound=Record)
_BYTES = 8


@dataclass(frozen=True)
class Counter(Generic[R]):
    """A sum over records of one kind.

    Attributes:
        name: The key's name in ``keys.py``.
        under: The tuple behind it that a record counts for: its conversation, its kind.
        amount: What it counts there.
    """

    name: str
    under: Callable[[R], Items]
    amount: Callable[[R], int]

    def amounts(self, record: R | None) -> dict[Items, int]:
        """Return what a record counts, by where; nothing for None."""
        return {} if record is None else {self.under(record): self.amount(record)}

    def move(self, tr: Writing, tenant: TenantKeys, old: R | None, new: R | None) -> None:
        """Count the step from ``old`` to ``new``."""
        before, after = self.amounts(old), self.amounts(new)
        for under in before.keys() | after.keys():
            add(tr, self.key(tenant, under), after.get(under, 0) - before.get(under, 0))

    def key(self, tenant: TenantKeys, under: Items) -> bytes:
        """Return the key of one sum."""
        return tenant.space(self.name).pack(under)


def add(tr: Writing, key: bytes, amount: int) -> None:
    """Add to a counter without reading it."""
    if amount:
        tr.kv.atomic(AtomicOp.ADD, key, amount.to_bytes(_BYTES, "little", signed=True))


def value(tr: Reading, key: bytes, *, exact: bool = False) -> int:
    """Return a counter.

    Args:
        exact: The commit then depends on it: another one that adds meanwhile makes this one run again.
    """
    return number(tr.kv.get(key, snapshot=not exact))


def put(tr: Writing, key: bytes, amount: int) -> None:
    """Set a counter to what was counted anew."""
    if amount:
        tr.kv.set(key, amount.to_bytes(_BYTES, "little", signed=True))
    else:
        tr.kv.clear(key)


def number(stored: bytes | None) -> int:
    """Return the number in a counter's bytes."""
    return 0 if stored is None else int.from_bytes(stored, "little", signed=True)
