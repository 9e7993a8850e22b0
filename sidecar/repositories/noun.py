"""What a kind of records is and where it lies: its model, keys and indexes, and the blobs that its records name.

What a noun's file declares, and what doctor, migrations and jobs work from. See ``base``, which reads and writes.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID

from sidecar import limits
from sidecar.ids import id_bytes
from sidecar.models.base import Record
from sidecar.models.changes import Change, ChangeOp
from sidecar.repositories import codec, keys
from sidecar.repositories.blobs import Blobs
from sidecar.repositories.counters import Counter
from sidecar.repositories.indexes import ID_BYTES, Index
from sidecar.repositories.transactions import Reading
from sidecar.store.tuples import Items, Subspace, pack

R = TypeVar("R", bound=Record)
_UUID_CODE = b"\x30"  # a tuple's UUID element begins with it
_PACKED_ID_BYTES = ID_BYTES + 1


class _Places(NamedTuple):
    """Where the records of one kind of one tenant lie, and the entries of their indexes by name."""

    records: Subspace
    spaces: Mapping[str, Subspace]
    blobs: Blobs


@lru_cache(maxsize=limits.key_spaces_cached_max)
def _places(kind: type[Any], tenant: keys.TenantKeys) -> _Places:
    """Return where a repository's records lie; kept, because every request makes the same repositories."""
    spaces = {
        index.name: keys.named_space(tenant.shared if index.shared else tenant.tenant, index.name)
        for index in kind.indexes
    }
    return _Places(tenant.space(kind.primary), spaces, Blobs(tenant))


def spots(index: Index[Any], record: Record | None) -> tuple[list[Items], bytes]:
    """Return the tails of a record's entries in an index, and what they cover; of no record there are none."""
    if record is None:
        return [], b""
    return list(index.tails(record)), index.covering(record) if index.covering else b""


class Noun(Generic[R]):
    """The records of one kind of one tenant.

    Attributes:
        kind: The plural noun of the API, which is also the topic of its changes.
        primary: The primary key's name in ``keys.py``.
        model: What is stored.
        indexes: Kept with every mutation.
        counters: The same.
        tells: Whether mutations write change rows.
        large: Whether records may name blobs: because they may be too large for one row, or by fields of their own.
        served_as_stored: Whether the stored JSON is what the API serves, with nothing to hide and nothing to add.
    """

    kind: ClassVar[str]
    primary: ClassVar[str]
    model: ClassVar[type[Record]]
    indexes: ClassVar[tuple[Index[Any], ...]] = ()
    counters: ClassVar[tuple[Counter[Any], ...]] = ()
    tells: ClassVar[bool] = True
    large: ClassVar[bool] = False
    served_as_stored: ClassVar[bool] = False

    def __init__(self, tenant: keys.TenantKeys) -> None:
        self.tenant = tenant
        self.records, self.spaces, self.blobs = _places(type(self), tenant)  # type: ignore[arg-type] # mypy: a class is hashable

    # --- what a noun may say of itself ---

    place_items: ClassVar[int] = 1

    def identifier(self, record: R) -> str:
        """Return what ``find``, ``update`` and ``delete`` name a record by."""
        return record.id

    def identifier_of(self, change: Change) -> str:
        """Return what the record that a change row tells of is named by."""
        return change.id

    def hint_of(self, identifier: str) -> dict[str, Any]:  # noqa: ARG002 - nouns that are not named by id do
        """Return the hint of a record that is gone and that only its identifier is known of."""
        return {}

    def place(self, identifier: str) -> Items:
        """Return the primary tuple of a record: ``place_items`` of them."""
        return (keys.id_element(identifier),)

    def hint(self, record: R) -> dict[str, Any]:  # noqa: ARG002 - the base gives no hint; nouns do
        """Return the few fields that a change row carries; everyone in the tenant may see them."""
        return {}

    def op(self, old: R, new: R) -> ChangeOp:  # noqa: ARG002 - nouns with a soft delete look at both
        """Return what a change row calls the step from ``old`` to ``new``."""
        return "updated"

    def stored_form(self, record: R) -> R:
        """Return the record as it is stored: without what is kept elsewhere and added when it is read."""
        return record

    def names(self, record: R) -> set[bytes]:  # noqa: ARG002 - the base has no such fields; nouns do
        """Return the digests of the blobs that a record names by fields of its own."""
        return set()

    def weight(self, record: R) -> int:
        """Return how many rows a record comes to, with those of the contents that it names by fields of its own."""
        return 1 + len(self.names(record))

    def named_in(self, tr: Reading, value: bytes) -> set[bytes]:
        """Return the digests of the blobs that stored bytes name: the record's own fields, and the bytes themselves."""
        return self._names(self.decoded(tr, value), value)

    def stored(self, tr: Reading, record: R) -> tuple[bytes, set[bytes]]:
        """Return the row of a record as it is stored now, and the digests of the blobs that the two name."""
        row = tr.kv.get(self.key(self.identifier(record)))
        assert row is not None  # noqa: S101 - whoever asks has read or written it in this transaction
        return row, self._names(record, row)

    # --- where its records and their entries lie ---

    def key(self, identifier: str) -> bytes:
        """Return the primary key of a record."""
        return self.records.pack(self.place(identifier))

    def decoded(self, tr: Reading, value: bytes) -> R:
        """Return the record of stored bytes.

        Raises:
            CorruptStoreError: They are not what was written.
        """
        return codec.decode(self.model, self._whole(tr, value))  # type: ignore[return-value] # class variables have no R

    def primary_range(self) -> tuple[bytes, bytes]:
        """Return begin (included) and end (excluded) of the primary keys."""
        return self.records.range() if self.place_items else (self.records.raw, self.records.raw + b"\x00")

    def owner(self, record: R) -> Items:
        """Return what stands for a record among the references of blobs: its kind and primary tuple."""
        return (self.kind, *self.place(self.identifier(record)))

    def entries(self, index: Index[R], record: R) -> dict[bytes, bytes]:
        """Return the entries of one index that a record should have: key and value."""
        return self._spelled(index, record, *spots(index, record))

    def named_key(self, index: Index[R], key: bytes, value: bytes) -> bytes:
        """Return the primary key of the record that an entry names."""
        if self.place_items == 1:  # the packed id as it stands: unpacking it costs as much as reading the record
            packed = _UUID_CODE + value[:ID_BYTES] if index.names_by_value else key[-_PACKED_ID_BYTES:]
            return self.records.raw + packed
        if index.names_by_value:
            return self.key(str(UUID(bytes=value[:ID_BYTES])))
        return self.records.pack(self.spaces[index.name].unpack(key)[-self.place_items :])

    def named_keys(self, index: Index[R], rows: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Return the primary keys of the records that entries name."""
        if self.place_items == 1 and not index.names_by_value:  # the same without a call for each, for long lists
            raw = self.records.raw
            return [raw + key[-_PACKED_ID_BYTES:] for key, _ in rows]
        return [self.named_key(index, key, value) for key, value in rows]

    # --- inside ---

    def _spelled(self, index: Index[R], record: R, tails: Sequence[Items], covering: bytes) -> dict[bytes, bytes]:
        space = self.spaces[index.name]
        if index.names_by_value:
            owner: Items = (keys.id_element(record.tenant_id),) if index.shared else ()
            return {space.pack(tail + owner): id_bytes(record.id) + covering for tail in tails}
        end = pack(self.place(self.identifier(record)))
        return {space.pack(tail) + end: covering for tail in tails}

    def _whole(self, tr: Reading, value: bytes) -> bytes:
        digest = codec.referenced(value)
        return value if digest is None else self.blobs.get(tr, digest)

    def _slices(self, tr: Reading, value: bytes) -> int:
        digest = codec.referenced(value)
        return 0 if digest is None else self.blobs.slices(tr, digest)

    def _names(self, record: R | None, row: bytes | None) -> set[bytes]:
        digest = None if row is None else codec.referenced(row)
        named = set() if record is None else self.names(record)
        return named if digest is None else {*named, digest}
