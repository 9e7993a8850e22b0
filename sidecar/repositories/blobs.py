"""Large values, by the SHA-256 of their content: stored once however many records name them.

A blob is a header, and slices behind it when one row can not hold it. Who names it is written as rows of its own
(``blob_references/{sha256}/{kind}/{record}``) in the transaction that writes the naming record, so "nothing names it"
is an empty range. The last reference that goes takes the blob along, in the same transaction. That is safe against
concurrent writers because both sides read what the other writes: who relies on a blob reads its header, who removes
it reads the range of its references.

A blob too large for the naming transaction is written before it, in slices, under a header that says ``partial``
until the last one: after a crash it is whole, or a partial one that the collector finds by its header. What nothing
has named is kept for ``limits.blob_grace_seconds``, because its record may be on the way.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from sidecar import limits
from sidecar.errors import CorruptStoreError, LimitExceededError
from sidecar.repositories import counters, keys
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.engine import KeySelector
from sidecar.store.tuples import Items

_HEADER = struct.Struct(">BBQQ")  # format, state, ms since 1970 of its last write, bytes so far
_FORMAT = 1
_PARTIAL, _WHOLE = 0, 1


class Header(NamedTuple):
    """What is known of a blob without reading it.

    Attributes:
        is_whole: All slices are there; otherwise a writer is at it, or has died.
        at_ms: When the header was written, milliseconds since 1970.
        size: Bytes of the content; of a partial one, how many are there.
        inline: The content, when it lies in the header's row.
    """

    is_whole: bool
    at_ms: int
    size: int
    inline: bytes


class Collected(NamedTuple):
    """What one batch of a collection has removed, and where the next one begins (None at the end)."""

    removed: int
    next_place: bytes | None


def digest_of(content: bytes) -> bytes:
    """Return the name of a content."""
    return hashlib.sha256(content).digest()


class Blobs:
    """The blobs of one tenant."""

    def __init__(self, tenant: keys.TenantKeys) -> None:
        self.headers = tenant.space(keys.BLOBS)
        self.chunks = tenant.space(keys.BLOB_CHUNKS)
        self.references = tenant.space(keys.BLOB_REFERENCES)
        self.bytes_key = tenant.space(keys.BLOB_BYTES).raw

    def header(self, tr: Reading, digest: bytes) -> Header | None:
        """Return a blob's header, or None when there is none of that name."""
        row = tr.kv.get(self.headers.pack((digest,)))
        return None if row is None else header_of(row)

    def find_headers(self, tr: Reading, digests: Sequence[bytes]) -> list[Header | None]:
        """Return ``header`` of each, waited for together."""
        rows = tr.kv.get_many([self.headers.pack((digest,)) for digest in digests])
        return [None if row is None else header_of(row) for row in rows]

    def slices(self, tr: Reading, digest: bytes) -> int:
        """Return how many rows a blob has besides its header's."""
        header = self.header(tr, digest)
        return 0 if header is None else header.size // limits.blob_slice_bytes

    def get(self, tr: Reading, digest: bytes) -> bytes:
        """Return a blob's content.

        Raises:
            CorruptStoreError: It, or a part of it, is not there.
        """
        header = self.header(tr, digest)
        if header is None or not header.is_whole:
            raise CorruptStoreError(f"The blob {digest.hex()} is not there; run `sidecar doctor`.")
        content = header.inline or b"".join(slice_ for _, slice_ in tr.kv.get_range(*self.chunks.range((digest,))))
        if len(content) != header.size:
            raise CorruptStoreError(f"The blob {digest.hex()} has {len(content)} of {header.size} bytes.")
        return content

    def ensure(self, tr: Writing, digest: bytes, content: bytes) -> None:
        """Store a content under its name, unless it is there. All in this transaction."""
        while not self.write_slices(tr, digest, content, bytes_max=limits.blob_bytes_max):  # some of the last slice
            pass

    def write_slices(self, tr: Writing, digest: bytes, content: bytes, *, bytes_max: int) -> bool:
        """Write the next slices of a content, some ``bytes_max`` bytes, and tell whether it is whole now.

        The header of a partial blob says how far it is, so it does not matter who goes on.

        Raises:
            LimitExceededError: The content is too large to be kept.
        """
        if len(content) > limits.blob_bytes_max:
            raise LimitExceededError(f"A value has {len(content)} bytes; at most {limits.blob_bytes_max} are kept.")
        header = self.header(tr, digest)
        if header is not None and header.is_whole:
            return True
        step = limits.blob_slice_bytes
        if len(content) <= step:
            self._put_header(tr, digest, Header(True, tr.now_ms, len(content), content))
            return True
        begin = header.size if header else 0
        end = min(begin + max(bytes_max // step, 1) * step, len(content))
        for at in range(begin, end, step):
            tr.kv.set(self.chunks.pack((digest, at // step)), content[at : at + step])
        is_whole = end == len(content)
        self._put_header(tr, digest, Header(is_whole, tr.now_ms, end, b""))
        return is_whole

    def move_references(self, tr: Writing, owner: Items, before: Iterable[bytes], after: Iterable[bytes]) -> None:
        """Let ``owner`` (its kind and primary tuple) name ``after`` instead of ``before``.

        What nobody names when the transaction ends is freed then: another record may name it meanwhile.
        """
        old, new = set(before), set(after)
        for digest in new - old:
            tr.kv.set(self.references.pack((digest, *owner)), b"")
        for digest in old - new:
            tr.kv.clear(self.references.pack((digest, *owner)))
            tr.at_end(self.headers.pack((digest,)), partial(self._free, tr, digest))

    def _free(self, tr: Writing, digest: bytes) -> None:
        if not self.is_named(tr, digest):
            self.remove(tr, digest)

    def is_named(self, tr: Reading, digest: bytes) -> bool:
        """Tell whether a record names a blob."""
        return bool(tr.kv.get_range(*self.references.range((digest,)), limit=1))

    def remove(self, tr: Writing, digest: bytes) -> None:
        """Remove a blob, whole or partial."""
        header = self.header(tr, digest)
        if header is not None and header.is_whole:
            counters.add(tr, self.bytes_key, -header.size)
        tr.kv.clear(self.headers.pack((digest,)))
        tr.kv.clear_range(*self.chunks.range((digest,)))

    def collect(self, tr: Writing, place: bytes, *, limit: int) -> Collected:
        """Remove blobs that nothing names and nobody may be about to name, among the next ``limit`` from ``place`` on.

        Of those that are named, which is most, only the key is read: a row may hold a whole content.

        Args:
            place: Empty at the beginning, then what the batch before has returned.
        """
        begin, end = self.headers.range()
        old = tr.now_ms - limits.blob_grace_seconds * 1_000
        place, removed = max(begin, place), 0
        for _ in range(limit):
            key = tr.kv.get_key(KeySelector.first_greater_or_equal(place), snapshot=True)
            if key >= end:
                return Collected(removed, None)
            place, digest = key + b"\x00", self.digest_in(key)
            if self.is_named(tr, digest):
                continue
            header = self.header(tr, digest)
            if header is not None and header.at_ms < old:
                self.remove(tr, digest)
                removed += 1
        return Collected(removed, place)

    def digest_in(self, key: bytes) -> bytes:
        """Return the name that a header's, a slice's or a reference's key begins with."""
        space = next(space for space in (self.headers, self.chunks, self.references) if key in space)
        digest = space.unpack(key)[0]
        assert isinstance(digest, bytes)  # noqa: S101 - nothing else is packed there
        return digest

    def _put_header(self, tr: Writing, digest: bytes, header: Header) -> None:
        state = _WHOLE if header.is_whole else _PARTIAL
        row = _HEADER.pack(_FORMAT, state, header.at_ms, header.size) + header.inline
        tr.kv.set(self.headers.pack((digest,)), row)
        if header.is_whole:
            counters.add(tr, self.bytes_key, header.size)


def header_of(row: bytes) -> Header:
    """Return the header in its row's bytes; what can't be read is one of a blob that somebody has just begun, long ago.

    So it is written anew when the content comes again, and removed when nothing names it.
    """
    if len(row) < _HEADER.size or row[0] != _FORMAT:
        return Header(False, 0, 0, b"")
    _, state, at_ms, size = _HEADER.unpack_from(row)
    return Header(state == _WHOLE, at_ms, size, row[_HEADER.size :])
