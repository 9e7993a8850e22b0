"""What every repository writes: records with their versions, unique constraints, indexes, counters and change rows.

A noun's file declares its model, kind, indexes and counters, and adds its own queries. A repository is bound to one
tenant when it is made; it can not name another tenant's keys. Reading functions take a ``Reading``, mutating ones a
``Writing``. Everything that a mutation writes is written by ``_write``, in the caller's transaction.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from sidecar import limits
from sidecar.errors import ConflictError, InvalidError, LimitExceededError, VersionConflictError
from sidecar.models.base import invalid, timestamp
from sidecar.models.changes import Change, ChangeOp
from sidecar.repositories import codec
from sidecar.repositories.blobs import digest_of
from sidecar.repositories.counters import Counter
from sidecar.repositories.indexes import ID_BYTES, Index
from sidecar.repositories.noun import R, spots
from sidecar.repositories.paging import Page
from sidecar.repositories.reading import Readable
from sidecar.repositories.transactions import Writing

__all__ = ["Counter", "Index", "Page", "Repository"]

_FIXED = ("id", "tenant_id", "created_at", "updated_at", "version")


class Repository(Readable[R]):
    """The records of one kind of one tenant."""

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

        Raises:
            LimitExceededError: It has been changed as often as a record can be.
        """
        if old.version >= limits.version_max:
            raise LimitExceededError(
                f"{self.model.__name__} {old.id} is at version {old.version}, and there is none behind; store it anew.",
                details={"id": old.id, "version": old.version},
            )
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

    def write_entries(self, tr: Writing, index: Index[R], old: R | None, new: R | None) -> None:
        """Move one index's entries from ``old`` to ``new``.

        Raises:
            ConflictError: A unique value is taken.
        """
        was, will = spots(index, old), spots(index, new)
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

    def _check_free(self, tr: Writing, index: Index[R], key: bytes, value: bytes) -> None:
        taken = tr.kv.get(key)
        if taken is not None and taken[:ID_BYTES] != value[:ID_BYTES]:
            raise ConflictError(
                f"Another {self.model.__name__} has the same value in {index.name}.", details={"index": index.name}
            )
