"""What every repository does: keys, indexes as data, unique constraints, counters, versions, change rows.

A noun's file declares its model, kind, indexes and counters, and adds its own queries. A repository is bound to one
tenant when it is made; it can not name another tenant's keys. Reading functions take a ``Reading``, mutating ones a
``Writing``. Everything that a mutation writes is written by ``_write``, in the caller's transaction.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from pydantic import ValidationError

from sidecar import limits
from sidecar.errors import (
    UNREADABLE,
    ConflictError,
    CorruptStoreError,
    InvalidError,
    NotFoundError,
    VersionConflictError,
)
from sidecar.ids import id_bytes
from sidecar.models.base import Record, invalid, timestamp
from sidecar.models.changes import Change, ChangeOp
from sidecar.repositories import codec, keys
from sidecar.repositories.blobs import Blobs, digest_of
from sidecar.repositories.counters import Counter
from sidecar.repositories.indexes import ID_BYTES, Index
from sidecar.repositories.paging import Page, page
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.tuples import Items, Subspace, pack

__all__ = ["Counter", "Index", "Page", "Repository"]

R = TypeVar("R", bound=Record)
log = logging.getLogger(__name__)
_UUID_CODE = b"\x30"  # a tuple's UUID element begins with it
_PACKED_ID_BYTES = ID_BYTES + 1
_FIXED = ("id", "tenant_id", "created_at", "updated_at", "version")


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


def _spots(index: Index[Any], record: Record | None) -> tuple[list[Items], bytes]:
    """Return the tails of a record's entries in an index, and what they cover; of no record there are none."""
    if record is None:
        return [], b""
    return list(index.tails(record)), index.covering(record) if index.covering else b""


class Repository(Generic[R]):
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

    # --- reading ---

    def find_json(self, tr: Reading, identifier: str) -> bytes | None:
        """Return a record as the API serves it, or None when there is none of that id."""
        value = tr.kv.get(self.key(identifier))
        return None if value is None else self.rendered(tr, value)

    def find(self, tr: Reading, identifier: str) -> R | None:
        """Return a record, or None when there is none of that id."""
        value = tr.kv.get(self.key(identifier))
        return None if value is None else self.decoded(tr, value)

    def get(self, tr: Reading, identifier: str) -> R:
        """Return a record.

        Raises:
            NotFoundError: There is none of that id in this tenant.
        """
        record = self.find(tr, identifier)
        if record is None:
            raise self.missing(identifier)
        return record

    @classmethod
    def missing(cls, identifier: str) -> NotFoundError:
        """Return the error that says that there is no record of this id, which is also said of another's."""
        noun = cls.kind.removesuffix("s").replace("_", " ")
        return NotFoundError(f"There is no {noun} {identifier}.", details={"id": identifier})

    def list_all(self, tr: Reading, *, cursor: str | None = None, limit: int = limits.page_items_default) -> Page[R]:
        """Return a page of all records, oldest first."""
        rows, next_cursor = page(tr, self.records.raw, self.primary_range(), cursor=cursor, limit=limit)
        return Page([self.decoded(tr, value) for _, value in rows], next_cursor)

    def list_by(
        self,
        tr: Reading,
        index: Index[R],
        *,
        under: Items = (),
        cursor: str | None = None,
        limit: int = limits.page_items_default,
        reverse: bool = False,
    ) -> Page[R]:
        """Return a page of the records that ``index`` names below the tail ``under``, in the index's order."""
        between = self.spaces[index.name].range(under)
        return self.list_between(tr, index, between, cursor=cursor, limit=limit, reverse=reverse)

    def list_between(
        self,
        tr: Reading,
        index: Index[R],
        between: tuple[bytes, bytes],
        *,
        cursor: str | None = None,
        limit: int = limits.page_items_default,
        reverse: bool = False,
    ) -> Page[R]:
        """Return a page of the records that ``index`` names between two of its keys, in the index's order."""
        prefix = self.spaces[index.name].raw
        rows, next_cursor = page(tr, prefix, between, cursor=cursor, limit=limit, reverse=reverse)
        return Page(self._named(tr, index, rows), next_cursor)

    def taken_between(
        self, tr: Writing, index: Index[R], between: tuple[bytes, bytes], *, limit: int
    ) -> Iterator[R | None]:
        """Yield the first records that ``index`` names between two of its keys: what one transaction can change.

        A few are in memory at a time. It does not matter what is done with one before the next is taken. What is
        damaged stops nobody: an entry that belongs to no record is removed, and None yielded for it; a record that
        can't be read is passed over and stays, for the doctor to tell of.

        Args:
            limit: Of the rows that they come to, with those of the contents that they name, and slices of large ones.
        """
        for entry, value in self._entries_between(tr, index, between):
            try:
                record = None if value is None else self.decoded(tr, value)
            except UNREADABLE as error:
                log.warning("An entry of %s leads to what can't be read: %s", index.name, error.message)
                continue
            if value is not None and record is not None and entry in self.entries(index, record):
                limit -= self.weight(record) + self._slices(tr, value)
                yield record
            else:
                tr.kv.clear(entry)
                limit -= 1
                yield None
            if limit <= 0:
                return

    def json_between(
        self, tr: Reading, index: Index[R], between: tuple[bytes, bytes], *, limit: int
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the first entries of ``index`` between two of its keys: each key, and the record's ``find_json``."""
        for row in tr.kv.get_range(*between, limit=limit):
            (value,) = self._values(tr, index, [row])
            yield row[0], self.rendered(tr, value)

    def page_served(
        self,
        tr: Reading,
        index: Index[R] | None,
        *,
        under: Items = (),
        cursor: str | None = None,
        limit: int = limits.page_items_default,
        reverse: bool = False,
    ) -> Page[bytes]:
        """Return a page as ``list_by`` does, or with no index as ``list_all``: each record's JSON as lists show it."""
        if index is None:
            rows, next_cursor = page(tr, self.records.raw, self.primary_range(), cursor=cursor, limit=limit)
            return Page(self.served_all(tr, [value for _, value in rows]), next_cursor)
        space = self.spaces[index.name]
        rows, next_cursor = page(tr, space.raw, space.range(under), cursor=cursor, limit=limit, reverse=reverse)
        return Page(self.served_all(tr, self._values(tr, index, rows)), next_cursor)

    def rendered(self, tr: Reading, value: bytes) -> bytes:
        """Return the JSON of stored bytes that is served when one record is asked for."""
        return self.served(tr, value)

    def served(self, tr: Reading, value: bytes) -> bytes:
        """Return the JSON that lists show of stored bytes; where it is what is stored, nothing is decoded."""
        return codec.json_of(self._whole(tr, value)) if self.served_as_stored else self.decoded(tr, value).to_json()

    def served_all(self, tr: Reading, values: Sequence[bytes]) -> list[bytes]:
        """Return ``served`` of each."""
        return [self.served(tr, value) for value in values]

    def find_by(self, tr: Reading, index: Index[R], tail: Items) -> R | None:
        """Return the one record that a unique index names, or None."""
        entry = tr.kv.get(self.spaces[index.name].pack(tail))
        return None if entry is None else self.get(tr, str(UUID(bytes=entry[:ID_BYTES])))

    # --- writing ---

    def create(self, tr: Writing, record: R) -> R:
        """Store a new record and return it.

        A record that is there already, equal to the byte, is returned as it is: a transaction may run again after its
        first run was committed.

        Raises:
            ConflictError: The id, or a unique value, is taken.
        """
        if record.tenant_id != self.tenant.tenant_id:
            raise InvalidError(f"A {self.model.__name__} of another tenant can't be stored here.")
        stored = tr.kv.get(self.key(self.identifier(record)))
        if stored is None:
            return self._write(tr, None, record, "created")
        if self._whole(tr, stored) == codec.encode(self.stored_form(record)):
            return record
        raise ConflictError(f"There is already a {self.model.__name__} {record.id}.", details={"id": record.id})

    def add(self, tr: Writing, record: R) -> R:
        """Store a record that was made in this run of the transaction: no other can have its id."""
        return self._write(tr, None, record, "created")

    def update(self, tr: Writing, identifier: str, fields: Mapping[str, object], *, if_version: int | None = None) -> R:
        """Change some fields of a record and return it with its next version.

        Raises:
            NotFoundError: There is none of that id.
            VersionConflictError: ``if_version`` is given and is not the version that is stored.
            InvalidError: A field is not what the model allows, or can not be changed.
        """
        old = self.get(tr, identifier)
        self.check_version(old, if_version)
        return self.replace(tr, old, self.changed(old, fields))

    def changed(self, old: R, fields: Mapping[str, object]) -> R:
        """Return ``old`` with some fields changed, checked.

        Raises:
            InvalidError: A field is not what the model allows, or can not be changed.
        """
        fixed = [name for name in _FIXED if name in fields and fields[name] != getattr(old, name)]
        if fixed:
            raise InvalidError(f"{self.model.__name__}: {fixed[0]}: can not be changed.", details={"fields": fixed})
        try:
            return type(old).model_validate({**old.__dict__, **fields})
        except ValidationError as error:
            raise invalid(self.model.__name__, error) from None

    def replace(self, tr: Writing, old: R, new: R, **trusted: object) -> R:
        """Store ``new`` in place of ``old``, as this transaction read it, and return it with its next version.

        Args:
            trusted: Fields to change besides, which are not checked.
        """
        new = new.model_copy(update={**trusted, "version": old.version + 1, "updated_at": timestamp(tr.now_ms)})
        return self._write(tr, old, new, self.op(old, new))

    def delete(self, tr: Writing, identifier: str, *, if_version: int | None = None) -> R:
        """Remove a record and return what it was.

        Raises:
            NotFoundError: There is none of that id.
            VersionConflictError: ``if_version`` is given and is not the version that is stored.
        """
        old = self.get(tr, identifier)
        self.check_version(old, if_version)
        return self._write(tr, old, None, "deleted")

    def delete_between(self, tr: Writing, index: Index[R], between: tuple[bytes, bytes], *, limit: int) -> int:
        """Remove the records of ``taken_between`` and return how many they were."""
        removed = 0
        for record in self.taken_between(tr, index, between, limit=limit):
            if record is not None:
                self._write(tr, record, None, "deleted")
            removed += 1
        return removed

    def check_version(self, old: R, if_version: int | None) -> None:
        """Raise VersionConflictError when a version is asked for and it is not the one that is stored."""
        if if_version is not None and if_version != old.version:
            raise VersionConflictError(
                f"{self.model.__name__} {old.id} is at version {old.version}, not {if_version}; read it again.",
                details={"id": old.id, "version": old.version},
            )

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

    # --- shared with doctor and migrations ---

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
        return self._spelled(index, record, *_spots(index, record))

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

    def write_entries(self, tr: Writing, index: Index[R], old: R | None, new: R | None) -> None:
        """Move one index's entries from ``old`` to ``new``.

        Raises:
            ConflictError: A unique value is taken.
        """
        was, will = _spots(index, old), _spots(index, new)
        if was == will:  # as most are in a change; nothing is packed
            return
        before = self._spelled(index, old, *was) if old else {}
        after = self._spelled(index, new, *will) if new else {}
        for key in before.keys() - after.keys():
            tr.kv.clear(key)
        for key, value in after.items():
            if before.get(key) == value:
                continue
            if index.names_by_value and key not in before:
                self._check_free(tr, index, key, value)
            tr.kv.set(key, value)

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
        header = None if digest is None else self.blobs.header(tr, digest)
        return 0 if header is None else header.size // limits.blob_slice_bytes

    def _write(self, tr: Writing, old: R | None, new: R | None, op: ChangeOp) -> R:
        record = new or old
        assert record is not None  # noqa: S101 - one of the two is given
        key = self.key(self.identifier(record))
        value = self._row_of(tr, new)
        if self.large:
            before, after = self._names(old, tr.kv.get(key) if old else None), self._names(new, value)
            if before != after:
                self.blobs.move_references(tr, self.owner(record), before, after)
        if value is None:
            tr.kv.clear(key)
        else:
            tr.kv.set(key, value)
        for index in self.indexes:
            self.write_entries(tr, index, old, new)
        for counter in self.counters:
            counter.move(tr, self.tenant, old, new)
        if self.tells:
            hint = self.hint(record)
            tr.changed(self.tenant, Change(kind=self.kind, id=record.id, op=op, version=record.version, hint=hint))
        return record

    def _row_of(self, tr: Writing, new: R | None) -> bytes | None:
        """Return what stands in a record's row; what is too large for it is stored as a blob."""
        value = None if new is None else codec.encode(self.stored_form(new))
        if value is None or not self.large or len(value) <= limits.value_inline_bytes_max:
            return value
        digest = digest_of(value)
        self.blobs.ensure(tr, digest, value)
        return codec.reference(digest)

    def _names(self, record: R | None, row: bytes | None) -> set[bytes]:
        digest = None if row is None else codec.referenced(row)
        named = set() if record is None else self.names(record)
        return named if digest is None else {*named, digest}

    def _check_free(self, tr: Writing, index: Index[R], key: bytes, value: bytes) -> None:
        taken = tr.kv.get(key)
        if taken is not None and taken[:ID_BYTES] != value[:ID_BYTES]:
            raise ConflictError(
                f"Another {self.model.__name__} has the same value in {index.name}.", details={"index": index.name}
            )

    def _entries_between(
        self, tr: Reading, index: Index[R], between: tuple[bytes, bytes]
    ) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the keys of entries, each with the stored bytes of what it names; a few are read at a time."""
        begin, end = between
        while rows := tr.kv.get_range(begin, end, limit=limits.job_read_rows):
            yield from zip((key for key, _ in rows), tr.kv.get_many(self.named_keys(index, rows)), strict=True)
            begin = rows[-1][0] + b"\x00"

    def _named(self, tr: Reading, index: Index[R], rows: Sequence[tuple[bytes, bytes]]) -> list[R]:
        """Return the records that some entries name."""
        return [self.decoded(tr, value) for value in self._values(tr, index, rows)]

    def _values(self, tr: Reading, index: Index[R], rows: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Return the stored bytes of the records that some entries name."""
        values = tr.kv.get_many(self.named_keys(index, rows))
        if None in values:
            raise CorruptStoreError(
                f"{index.name} names a {self.model.__name__} that is not there; run `sidecar doctor --repair`."
            )
        return cast("list[bytes]", values)
