"""How records are read: one, by a unique index, and in pages; as models, and as the JSON that the API serves."""

import logging
from collections.abc import Iterator, Sequence
from typing import cast
from uuid import UUID

from sidecar import limits
from sidecar.errors import UNREADABLE, CorruptStoreError, NotFoundError
from sidecar.repositories import codec
from sidecar.repositories.indexes import ID_BYTES, Index
from sidecar.repositories.noun import Noun, R
from sidecar.repositories.paging import Page, check_limit, cursor_behind, page
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.tuples import Items

log = logging.getLogger(__name__)


class Readable(Noun[R]):
    """A noun whose records can be read."""

    def find_json(self, tr: Reading, identifier: str) -> bytes | None:
        """Return a record as the API serves it, or None when there is none of that id."""
        value = tr.kv.get(self.key(identifier))
        return None if value is None else self.rendered(tr, value)

    def find(self, tr: Reading, identifier: str) -> R | None:
        """Return a record, or None when there is none of that id."""
        value = tr.kv.get(self.key(identifier))
        return None if value is None else self.decoded(tr, value)

    def find_many(self, tr: Reading, identifiers: Sequence[str]) -> list[R | None]:
        """Return ``find`` of each, waited for together."""
        values = tr.kv.get_many([self.key(identifier) for identifier in identifiers])
        return [None if value is None else self.decoded(tr, value) for value in values]

    def find_user(self, tr: Reading, identifier: str) -> str | None:
        """Return whose a record is, or None when there is none of that id, by its beginning: nothing is decoded."""
        value = tr.kv.get(self.key(identifier))
        return None if value is None else codec.served(codec.json_of(self._whole(tr, value))).user_id

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
        values, next_cursor = self._page(tr, None, self.primary_range(), cursor=cursor, limit=limit)
        return Page([self.decoded(tr, value) for value in values], next_cursor)

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
        values, next_cursor = self._page(tr, index, between, cursor=cursor, limit=limit, reverse=reverse)
        return Page([self.decoded(tr, value) for value in values], next_cursor)

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
        between = self.primary_range() if index is None else self.spaces[index.name].range(under)
        values, next_cursor = self._page(tr, index, between, cursor=cursor, limit=limit, reverse=reverse)
        return Page(self.served_all(tr, values), next_cursor)

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

    # --- inside ---

    def _page(
        self,
        tr: Reading,
        index: Index[R] | None,
        between: tuple[bytes, bytes],
        *,
        cursor: str | None,
        limit: int,
        reverse: bool = False,
    ) -> Page[bytes]:
        """Return a page of the stored bytes of records, named by an index or as they lie.

        It ends before they come to more than ``limits.page_bytes_max``, but holds at least one. What large ones have in
        blobs counts, and is not read here; of rows some are read at a time.
        """
        check_limit(limit)
        prefix = self.records.raw if index is None else self.spaces[index.name].raw
        found: list[bytes] = []
        left = limits.page_bytes_max
        while True:
            step = min(limit - len(found), limits.page_read_rows)
            rows, behind = page(tr, prefix, between, cursor=cursor, limit=step, reverse=reverse)
            values = [value for _, value in rows] if index is None else self._values(tr, index, rows)
            for at, size in enumerate(self._sizes(tr, values)):
                left -= size
                if left < 0 and (found or at):
                    return Page(found + values[:at], cursor_behind(prefix, rows[at - 1][0]) if at else cursor)
            found += values
            if behind is None or len(found) == limit:
                return Page(found, behind)
            cursor = behind

    def _sizes(self, tr: Reading, values: Sequence[bytes]) -> list[int]:
        """Return how many bytes the records are that some stored bytes hold or refer to."""
        sizes = list(map(len, values))
        if not self.large or codec.REFERENCE_BYTES not in sizes:
            return sizes
        digests = {at: digest for at, digest in enumerate(map(codec.referenced, values)) if digest is not None}
        for at, header in zip(digests, self.blobs.find_headers(tr, list(digests.values())), strict=True):
            if header is not None:
                sizes[at] = header.size
        return sizes

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
