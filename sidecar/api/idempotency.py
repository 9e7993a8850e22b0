"""Idempotency-Key: a POST, PUT or PATCH that is sent again gets the answer that it had, and changes nothing again.

The answer is written by the transaction that earned it: after a crash between the commit and the answer, a repeat is
answered as the first would have been. A request that fails keeps nothing: it may be tried again. Of an answer that was
to be minimal, no more is kept: whoever saves five megabytes every minute should not have each copy kept for a day.
"""

import hmac
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sidecar import limits
from sidecar.api.context import CONTEXT, PRINCIPAL, Handler
from sidecar.api.preferences import minimal_answer, wants_minimal
from sidecar.api.requests import LINES_TYPE, raw_answer, read, tenant_of
from sidecar.errors import InvalidError, KeyReusedError, VersionConflictError
from sidecar.models.base import Record
from sidecar.models.users import User
from sidecar.models.workspace_sessions import StoredSession
from sidecar.repositories.idempotency import Idempotency, Kept
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Writing, keeping
from sidecar.repositories.workspace_sessions import WorkspaceSessions

HEADER = "Idempotency-Key"
METHODS = frozenset({"POST", "PUT", "PATCH"})  # a DELETE that was done is a 404, which says as much
PLACES = {"StoredSession": "sessions", "Conversation": "conversations", "Agent": "agents", "User": "users"}


class _AnsweredMeanwhile(Exception):  # noqa: N818 - not an error: a twin of this request was faster
    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.kept = kept


class _Keeper:
    """Keeps the answer of one request in the transaction that stores or changes its record."""

    def __init__(self, tenant: TenantKeys, own: tuple[str, str], fingerprint: str, *, minimal: bool) -> None:
        self._tenant = tenant
        self._own = own
        self._minimal = minimal
        self._answers = Idempotency(tenant)
        self.fingerprint = fingerprint
        self.kept: Kept | None = None

    def __call__(self, tr: Writing, result: object) -> None:
        """See ``transactions.keeping``: steps on the way to a record give none, and nothing is kept of them."""
        if not isinstance(result, Record):
            return
        earlier = self._answers.find(tr, *self._own)
        if earlier is not None:
            raise _AnsweredMeanwhile(earlier)
        is_new = result.version == 1
        place = PLACES.get(type(result).__name__)
        self.kept = Kept(
            fingerprint=self.fingerprint,
            at_ms=tr.now_ms,
            status=HTTPStatus.CREATED if is_new else HTTPStatus.OK,
            etag=f'"{result.version}"',
            location=f"/api/v5/{place}/{result.id}" if is_new and place else None,
            body=b"" if self._minimal else shown(tr, self._tenant, result),
        )
        self._answers.put(tr, *self._own, self.kept)

    def answer(self, kept: Kept, *, replayed: bool) -> web.Response:
        """Return a kept answer.

        Raises:
            KeyReusedError: It was given to another request.
        """
        if kept.fingerprint != self.fingerprint:
            raise KeyReusedError(f"This {HEADER} came with another request before; take a new one.")
        status = HTTPStatus(kept.status)
        version = int((kept.etag or '"0"').strip('"'))
        response = raw_answer(kept.body, status) if kept.body else minimal_answer(status, version)
        headers = {"ETag": kept.etag, "Location": kept.location, "Idempotency-Replayed": "true" if replayed else None}
        response.headers.update({name: value for name, value in headers.items() if value is not None})
        return response


async def replayed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Call ``handler``, or answer a change that was asked for before, by its Idempotency-Key, as it was then."""
    key = request.headers.get(HEADER)
    if key is None or request.method not in METHODS or request.content_type == LINES_TYPE:
        return await handler(request)
    if not (key.isascii() and 1 <= len(key) <= limits.idempotency_key_chars_max):
        raise InvalidError(
            f"{HEADER} takes 1 to {limits.idempotency_key_chars_max} ASCII characters.", code="invalid_idempotency_key"
        )
    tenant, user_id = tenant_of(request), request[PRINCIPAL].user_id
    own, database = (user_id, key), request.app[CONTEXT].database
    keeper = _Keeper(tenant, own, await _fingerprint(request), minimal=wants_minimal(request))
    earlier = await database.read(lambda tr: Idempotency(tenant).find(tr, *own))
    if earlier is not None:
        return keeper.answer(earlier, replayed=True)
    try:
        with keeping(keeper):
            response = await handler(request)
    except _AnsweredMeanwhile as twin:
        return keeper.answer(twin.kept, replayed=True)
    except VersionConflictError:
        earlier = await database.read(lambda tr: Idempotency(tenant).find(tr, *own))
        if earlier is None:
            raise
        return keeper.answer(earlier, replayed=True)  # the record has moved on by a twin of this request
    return response if keeper.kept is None else keeper.answer(keeper.kept, replayed=False)


def shown(tr: Writing, tenant: TenantKeys, record: Record) -> bytes:
    """Return the JSON that answers a POST of a record."""
    if isinstance(record, StoredSession):
        text = WorkspaceSessions(tenant).find_json(tr, record.id)
        assert text is not None  # noqa: S101 - this transaction has just stored it
        return text
    return record.public().to_json() if isinstance(record, User) else record.to_json()


async def _fingerprint(request: web.Request) -> str:
    """Return what tells one request from another; keyed, because a body may hold a password that could be searched."""
    parts: tuple[Any, ...] = (request.method.encode(), request.path_qs.encode(), await read(request))
    key = request.app[CONTEXT].pairing_key.encode()
    return hmac.digest(key, b"\x00".join((b"sidecar-idempotency-v1", *parts)), "sha256").hex()
