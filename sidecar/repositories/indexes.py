"""An index, as data: what a noun's file declares, and what ``base``, ``doctor`` and ``migrations`` work from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sidecar.models.base import Record
from sidecar.store.tuples import Items

R = TypeVar("R", bound=Record)
ID_BYTES = 16


@dataclass(frozen=True)
class Index(Generic[R]):
    """An index of one kind of records.

    Attributes:
        name: The key's name in ``keys.py``.
        tails: The tuples under which a record is found: none, one or several.
        unique: No two records may share a tail. The entry's value then begins with the id's 16 bytes; otherwise the
            record's primary tuple is the end of the key.
        covering: What the entry's value holds besides.
        shared: The entries lie outside the tenant, below the root, and end with the tenant's id; unique in the tenant.
        since: The version of ``migrations.SCHEMA`` that it came with; an older store's is built.
    """

    name: str
    tails: Callable[[R], Iterable[Items]]
    unique: bool = False
    covering: Callable[[R], bytes] | None = None
    shared: bool = False
    since: int = 1

    @property
    def names_by_value(self) -> bool:
        """Whether an entry names its record by its value rather than by its key."""
        return self.unique or self.shared
