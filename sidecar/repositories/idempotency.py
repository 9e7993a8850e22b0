"""Answers that are kept under the Idempotency-Key of their requests, each in slices that rows can hold."""

import hashlib

from pydantic import ValidationError

from sidecar import limits
from sidecar.errors import CorruptStoreError
from sidecar.models.base import Value
from sidecar.repositories import keys
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.tuples import Items


class KeptHead(Value):
    """What is kept beside an answer's body.

    Attributes:
        fingerprint: Of the request: method, path and body, hashed.
        at_ms: When it was answered, milliseconds since 1970.
        login_id: Of the login that was the answer; its tokens are not kept.
    """

    fingerprint: str
    at_ms: int
    status: int
    etag: str | None = None
    location: str | None = None
    login_id: str | None = None


class Kept(KeptHead):
    """A kept answer, whole."""

    body: bytes


class Idempotency:
    """The kept answers of one tenant."""

    def __init__(self, tenant: keys.TenantKeys) -> None:
        self._answers = tenant.space(keys.IDEMPOTENCY)
        self._times = tenant.space(keys.IDEMPOTENCY_BY_TIME)

    def find(self, tr: Reading, user_id: str, key: str) -> Kept | None:
        """Return the answer kept under a user's key, or None when there is none or it is too old.

        Raises:
            CorruptStoreError: It can't be read.
        """
        rows = tr.kv.get_range(*self._answers.range((keys.id_element(user_id), _digest(key))))
        if not rows:
            return None
        head = _head_of(rows[0][1])
        if head.at_ms + limits.idempotency_seconds * 1_000 <= tr.now_ms:
            return None
        return Kept(**dict(head), body=b"".join(value for _, value in rows[1:]))

    def put(self, tr: Writing, user_id: str, key: str, kept: Kept) -> None:
        """Keep an answer in place of an older one."""
        own = (keys.id_element(user_id), _digest(key))
        self._remove(tr, own)
        head = KeptHead(**{name: getattr(kept, name) for name in KeptHead.model_fields})
        size = limits.blob_slice_bytes
        slices = [kept.body[at : at + size] for at in range(0, len(kept.body), size)]
        for number, each in enumerate((head.to_json(), *slices)):
            tr.kv.set(self._answers.pack((*own, number)), each)
        tr.kv.set(self._times.pack((kept.at_ms, *own)), b"")

    def expire(self, tr: Writing, *, limit: int) -> int:
        """Remove at most ``limit`` answers that are too old, and return how many."""
        begin = self._times.range()[0]
        end = self._times.pack((tr.now_ms - limits.idempotency_seconds * 1_000,))
        rows = tr.kv.get_range(begin, max(begin, end), limit=limit)
        for row, _ in rows:
            at_ms, *own = self._times.unpack(row)
            if self._was_kept(tr, tuple(own), at_ms):
                self._remove(tr, tuple(own))
            tr.kv.clear(row)
        return len(rows)

    def _was_kept(self, tr: Reading, own: Items, at_ms: object) -> bool:
        """Tell whether an answer is of that time, not a newer one that took its key; one that can't be read may be."""
        head = tr.kv.get(self._answers.pack((*own, 0)))
        try:
            return head is not None and _head_of(head).at_ms == at_ms
        except CorruptStoreError:
            return True

    def _remove(self, tr: Writing, own: Items) -> None:
        tr.kv.clear_range(*self._answers.range(own))


def _head_of(value: bytes) -> KeptHead:
    try:
        return KeptHead.model_validate_json(value)
    except ValidationError as error:
        raise CorruptStoreError("An answer that was kept under an Idempotency-Key can't be read.") from error


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
