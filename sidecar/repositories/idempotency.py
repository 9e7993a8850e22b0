"""Answers that are kept under the Idempotency-Key of their requests.

A record may be as large as a transaction can hold, so that a second copy would be too much. Of kinds of which a row,
with the blobs that it names, is all that is served, the row is kept as it stood, and the answer names the same blobs:
what was served can be put together from them whatever has become of the record. Other answers are kept as they are.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from pydantic import ValidationError

from sidecar import limits
from sidecar.errors import CorruptStoreError
from sidecar.models.base import Record, Value
from sidecar.repositories import keys
from sidecar.repositories.agents import Agents
from sidecar.repositories.base import Repository
from sidecar.repositories.blobs import Blobs
from sidecar.repositories.codec import DIGEST_BYTES
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.transactions import Reading, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.store.tuples import Items

_RowKind = Literal["sessions", "messages", "settings", "agents"]
_BY_ROW: Final[Mapping[_RowKind, type[Repository[Any]]]] = {
    "sessions": WorkspaceSessions,
    "messages": Messages,
    "settings": Settings,
    "agents": Agents,
}
_KINDS: Final[Mapping[type[Record], _RowKind]] = {each.model: kind for kind, each in _BY_ROW.items()}
KIND = "answers"  # what stands for answers among the references of blobs, before their time, user and key


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
    """A kept answer, with the body that was served."""

    body: bytes


class _Stored(KeptHead):
    """The first row of a kept answer; with a kind, what is behind it is no body but the row of a record."""

    kind: _RowKind | None = None


class Naming(NamedTuple):
    """An answer among those who name blobs: its key in order of time, its owner's tuple, and the blobs' digests."""

    key: bytes
    owner: Items
    digests: list[bytes]


class Idempotency:
    """The kept answers of one tenant."""

    def __init__(self, tenant: keys.TenantKeys) -> None:
        self._tenant = tenant
        self._answers = tenant.space(keys.IDEMPOTENCY)
        self._times = tenant.space(keys.IDEMPOTENCY_BY_TIME)
        self._blobs = Blobs(tenant)

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
        kept = b"".join(value for _, value in rows[1:])
        body = kept if head.kind is None else _BY_ROW[head.kind](self._tenant).rendered(tr, kept)
        return Kept(**{name: getattr(head, name) for name in KeptHead.model_fields}, body=body)

    def put(self, tr: Writing, user_id: str, key: str, head: KeptHead, *, answer: Record | bytes = b"") -> None:
        """Keep an answer in place of an older one.

        Args:
            answer: What is served; or the record that is, as this transaction has stored it.
        """
        own = (keys.id_element(user_id), _digest(key))
        self._remove(tr, own)
        kind, kept, names = self._form(tr, answer)
        size = limits.blob_slice_bytes
        slices = [kept[at : at + size] for at in range(0, len(kept), size)]
        for number, each in enumerate((_Stored(**dict(head), kind=kind).to_json(), *slices)):
            tr.kv.set(self._answers.pack((*own, number)), each)
        tr.kv.set(self._times.pack((head.at_ms, *own)), b"".join(names))
        self._blobs.move_references(tr, (KIND, head.at_ms, *own), (), names)

    def expire(self, tr: Writing, *, limit: int) -> int:
        """Remove answers that are too old, as many as come to ``limit`` rows with what they name; return how many."""
        end = self._times.pack((tr.now_ms - limits.idempotency_seconds * 1_000,))
        removed = 0
        for key, owner, digests in self.naming(tr, self.begin, end):
            _, at_ms, *own = owner
            if self._was_kept(tr, tuple(own), at_ms):
                self._remove(tr, tuple(own))
            tr.kv.clear(key)
            limit -= 1 + sum(1 + self._blobs.slices(tr, each) for each in digests)
            self._blobs.move_references(tr, owner, digests, ())
            removed += 1
            if limit <= 0:
                break
        return removed

    @property
    def begin(self) -> bytes:
        """The first key in order of time."""
        return self._times.range()[0]

    def naming(self, tr: Reading, begin: bytes, end: bytes | None = None) -> Iterator[Naming]:
        """Yield the first few answers between two keys, in order of time."""
        last = self._times.range()[1] if end is None else max(begin, end)
        for key, value in tr.kv.get_range(begin, last, limit=limits.job_read_rows):
            yield Naming(key, (KIND, *self._times.unpack(key)), _digests(value))

    def names(self, tr: Reading, place: Items, digest: object) -> bool:
        """Tell whether the answer of this owner's tuple, without its kind, names a blob."""
        return digest in _digests(tr.kv.get(self._times.pack(place)) or b"")

    def _form(self, tr: Reading, answer: Record | bytes) -> tuple[_RowKind | None, bytes, Collection[bytes]]:
        """Return the form in which an answer is kept: the kind if it is a row, its bytes, and what these name."""
        if not isinstance(answer, Record):
            return None, answer, ()
        kind = _KINDS.get(type(answer))
        if kind is None:
            return None, answer.to_json(), ()
        return kind, *_BY_ROW[kind](self._tenant).stored(tr, answer)

    def _was_kept(self, tr: Reading, own: Items, at_ms: object) -> bool:
        """Tell whether an answer is of that time, not a newer one that took its key; one that can't be read may be."""
        head = tr.kv.get(self._answers.pack((*own, 0)))
        try:
            return head is not None and _head_of(head).at_ms == at_ms
        except CorruptStoreError:
            return True

    def _remove(self, tr: Writing, own: Items) -> None:
        tr.kv.clear_range(*self._answers.range(own))


def _head_of(value: bytes) -> _Stored:
    try:
        return _Stored.model_validate_json(value)
    except ValidationError as error:
        raise CorruptStoreError("An answer that was kept under an Idempotency-Key can't be read.") from error


def _digests(names: bytes) -> list[bytes]:
    return [names[at : at + DIGEST_BYTES] for at in range(0, len(names), DIGEST_BYTES)]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
