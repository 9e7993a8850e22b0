"""What every repository does: keys, indexes as data, unique constraints, pages, versions, change rows.

A noun's file declares its model, kind and indexes, and adds its own queries. A repository is bound to one tenant when
it is made; it can not name another tenant's keys. Reading functions take a ``Reading``, mutating ones a ``Writing``.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID

from pydantic import ValidationError

from sidecar import limits
from sidecar.errors import ConflictError, CorruptStoreError, InvalidError, NotFoundError, VersionConflictError
from sidecar.ids import id_bytes
from sidecar.models.base import Record, invalid, timestamp
from sidecar.models.changes import Change, ChangeOp
from sidecar.repositories import codec, keys
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.tuples import Items, TupleItem

R = TypeVar("R", bound=Record)
ID_BYTES = 16


@dataclass(frozen=True)
class Index(Generic[R]):
    """An index, as data.

    Attributes:
        name: The key's name in ``keys.py``.
        tails: The tuples under which a record is found: none, one or several.
        unique: No two records may share a tail. The entry's value then begins with the id's 16 bytes; otherwise the
            id is
            the key's last element.
        covering: What the entry's value holds besides.
        shared: The entries lie outside the tenant, below the root, and end with the tenant's id; unique in the tenant.
    """

    name: str
    tails: Callable[[R], Iterable[Items]]
    unique: bool = False
    covering: Callable[[R], bytes] | None = None
    shared: bool = False

    def id_in(self, last: TupleItem, value: bytes) -> str:
        """Return the id that an entry names, given its key's last element and its value."""
        return str(UUID(bytes=value[:ID_BYTES])) if self.unique or self.shared else str(last)


class Page(NamedTuple, Generic[R]):
    """Some items of a list, and the cursor that continues behind them (None at the end)."""

    items: list[R]
    next_cursor: str | None


class Repository(Generic[R]):
    """The records of one kind of one tenant."""

    kind: ClassVar[str]
    primary: ClassVar[str]
    model: ClassVar[type[Record]]
    indexes: ClassVar[tuple[Index[Any], ...]] = ()

    def __init__(self, tenant: keys.TenantKeys) -> None:
        self.tenant = tenant
        self._records = tenant.space(self.primary)
        self._spaces = {
            index.name: (tenant.shared if index.shared else tenant.tenant)[index.name] for index in self.indexes
        }

    # --- reading ---

    def find_raw(self, tr: Reading, identifier: str) -> bytes | None:
        """Return the stored bytes of a record, or None."""
        return tr.kv.get(self.key(identifier))

    def find(self, tr: Reading, identifier: str) -> R | None:
        """Return a record, or None when there is none of that id."""
        value = self.find_raw(tr, identifier)
        return None if value is None else self._decode(value)

    def get(self, tr: Reading, identifier: str) -> R:
        """Return a record.

        Raises:
            NotFoundError: There is none of that id in this tenant.
        """
        record = self.find(tr, identifier)
        if record is None:
            raise NotFoundError(f"There is no {self.model.__name__} {identifier}.", details={"id": identifier})
        return record

    def list_all(self, tr: Reading, *, cursor: str | None = None, limit: int = limits.page_items_default) -> Page[R]:
        """Return a page of all records, oldest first."""
        rows, next_cursor = page(tr, self._records.raw, self._records.range(), cursor=cursor, limit=limit)
        return Page([self._decode(value) for _, value in rows], next_cursor)

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
        space = self._spaces[index.name]
        return self.list_between(tr, index, space.range(under), cursor=cursor, limit=limit, reverse=reverse)

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
        space = self._spaces[index.name]
        rows, next_cursor = page(tr, space.raw, between, cursor=cursor, limit=limit, reverse=reverse)
        return Page([self._named(tr, index, key, value) for key, value in rows], next_cursor)

    def find_by(self, tr: Reading, index: Index[R], tail: Items) -> R | None:
        """Return the one record that a unique index names, or None."""
        entry = tr.kv.get(self._spaces[index.name].pack(tail))
        return None if entry is None else self.get(tr, str(UUID(bytes=entry[:ID_BYTES])))

    # --- writing ---

    def create(self, tr: Writing, record: R) -> R:
        """Store a new record and return it.

        Raises:
            ConflictError: The id, or a unique value, is taken.
        """
        self._check_tenant(record)
        if tr.kv.get(self.key(record.id)) is not None:
            raise ConflictError(f"There is already a {self.model.__name__} {record.id}.", details={"id": record.id})
        tr.kv.set(self.key(record.id), codec.encode(record))
        self._move_entries(tr, None, record)
        self._tell(tr, record, "created")
        return record

    def update(self, tr: Writing, identifier: str, fields: Mapping[str, object], *, if_version: int | None = None) -> R:
        """Change some fields of a record and return it with its next version.

        Raises:
            NotFoundError: There is none of that id.
            VersionConflictError: ``if_version`` is given and is not the version that is stored.
            InvalidError: A field is not what the model allows.
        """
        old = self.get(tr, identifier)
        self._check_version(old, if_version)
        try:
            new = type(old).model_validate({**old.model_dump(), **fields})
        except ValidationError as error:
            raise invalid(self.model.__name__, error) from None
        return self.replace(tr, old, new)

    def replace(self, tr: Writing, old: R, new: R) -> R:
        """Store ``new`` in place of ``old``, as this transaction read it, and return it with its next version."""
        new = new.model_copy(update={"version": old.version + 1, "updated_at": timestamp(tr.now_ms)})
        tr.kv.set(self.key(new.id), codec.encode(new))
        self._move_entries(tr, old, new)
        self._tell(tr, new, self.op(old, new))
        return new

    def delete(self, tr: Writing, identifier: str, *, if_version: int | None = None) -> R:
        """Remove a record and return what it was.

        Raises:
            NotFoundError: There is none of that id.
            VersionConflictError: ``if_version`` is given and is not the version that is stored.
        """
        old = self.get(tr, identifier)
        self._check_version(old, if_version)
        tr.kv.clear(self.key(old.id))
        self._move_entries(tr, old, None)
        self._tell(tr, old, "deleted")
        return old

    # --- what a noun may say of itself ---

    def hint(self, record: R) -> dict[str, Any]:  # noqa: ARG002 - the base gives no hint; nouns do
        """Return the few fields that a change row carries."""
        return {}

    def op(self, old: R, new: R) -> ChangeOp:  # noqa: ARG002 - nouns with a soft delete look at both
        """Return what a change row calls the step from ``old`` to ``new``."""
        return "updated"

    def key(self, identifier: str) -> bytes:
        """Return the primary key of a record."""
        return self._records.pack((keys.id_element(identifier),))

    # --- inside ---

    def _decode(self, value: bytes) -> R:
        return codec.decode(self.model, value)  # type: ignore[return-value] # a class variable can not be generic in R

    def _tell(self, tr: Writing, record: R, op: ChangeOp) -> None:
        tr.changed(
            self.tenant, Change(kind=self.kind, id=record.id, op=op, version=record.version, hint=self.hint(record))
        )

    def _check_tenant(self, record: R) -> None:
        if record.tenant_id != self.tenant.tenant_id:
            raise InvalidError(f"A {self.model.__name__} of another tenant can't be stored here.")

    def _check_version(self, old: R, if_version: int | None) -> None:
        if if_version is not None and if_version != old.version:
            raise VersionConflictError(
                f"{self.model.__name__} {old.id} is at version {old.version}, not {if_version}; read it again.",
                details={"id": old.id, "version": old.version},
            )

    def entries(self, index: Index[R], record: R) -> dict[bytes, bytes]:
        """Return the entries of one index that a record should have: key and value."""
        space = self._spaces[index.name]
        covering = index.covering(record) if index.covering else b""
        if index.unique or index.shared:
            owner: Items = (keys.id_element(record.tenant_id),) if index.shared else ()
            return {space.pack(tail + owner): id_bytes(record.id) + covering for tail in index.tails(record)}
        end: Items = (keys.id_element(record.id),)
        return {space.pack(tail + end): covering for tail in index.tails(record)}

    def _move_entries(self, tr: Writing, old: R | None, new: R | None) -> None:
        for index in self.indexes:
            before = self.entries(index, old) if old else {}
            after = self.entries(index, new) if new else {}
            for key in before.keys() - after.keys():
                tr.kv.clear(key)
            for key, value in after.items():
                if before.get(key) == value:
                    continue
                if (index.unique or index.shared) and key not in before:
                    self._check_free(tr, index, key, value)
                tr.kv.set(key, value)

    def _check_free(self, tr: Writing, index: Index[R], key: bytes, value: bytes) -> None:
        taken = tr.kv.get(key)
        if taken is not None and taken[:ID_BYTES] != value[:ID_BYTES]:
            raise ConflictError(
                f"Another {self.model.__name__} has the same value in {index.name}.", details={"index": index.name}
            )

    def _named(self, tr: Reading, index: Index[R], key: bytes, value: bytes) -> R:
        identifier = index.id_in(self._spaces[index.name].unpack(key)[-1], value)
        record = self.find(tr, identifier)
        if record is None:
            raise CorruptStoreError(
                f"{index.name} names {identifier}, which is not there; run `sidecar doctor --repair`."
            )
        return record


def page(
    tr: Reading,
    prefix: bytes,
    between: tuple[bytes, bytes],
    *,
    cursor: str | None,
    limit: int,
    reverse: bool = False,
) -> tuple[list[tuple[bytes, bytes]], str | None]:
    """Return a page of rows between two keys, and the cursor that continues it: the last key's bytes behind ``prefix``.

    A cursor names a key, not a count, so a page neither repeats nor skips what stays while rows come and go.
    """
    if not 1 <= limit <= limits.page_items_max:
        raise InvalidError(f"limit is {limit}; it can be 1 to {limits.page_items_max}.")
    begin, end = between
    if cursor is not None:
        last = prefix + _cursor_bytes(cursor)
        begin, end = (begin, min(last, end)) if reverse else (max(last + b"\x00", begin), end)
    rows = tr.kv.get_range(begin, end, limit=limit + 1, reverse=reverse)
    if len(rows) <= limit:
        return rows, None
    rows.pop()
    return rows, base64.urlsafe_b64encode(rows[-1][0][len(prefix) :]).decode().rstrip("=")


def _cursor_bytes(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidError("The cursor is not one that a list has given.", code="invalid_cursor") from None
