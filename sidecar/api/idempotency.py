"""Idempotency-Key: a request that is sent again gets the answer that it had, and changes nothing again.

``Route.is_keyed`` says where it is honoured; the gate calls ``replayed`` there. The answer is written by the
transaction that earned it: after a crash between the commit and the answer, a repeat is answered as the first would
have been. A request that fails keeps nothing: it may be tried again. Of an answer that was to be minimal, no more is
kept: whoever saves five megabytes every minute should not have each copy kept for a day. Of a DELETE it is kept that
it was done: sent again, it would take away what has been stored under the same name meanwhile.

An answer that is a login (of a change of the password) holds tokens, and no token is ever stored: of it the login's id
is kept. Its refresh token is computed from the request and its key, under the signing key, so that who sends the two
again gets it again, with a fresh access token; a store that is stolen has only hashes of either. The change has ended
the login that its repeat comes with, so the gate lets that in by ``repeats_login``, for this one request: who sends it
knows the new password, and could as well log in with it.
"""

import hashlib
import hmac
from http import HTTPStatus

from aiohttp import hdrs, web

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT, Handler
from sidecar.api.preferences import minimal_answer, wants_minimal
from sidecar.api.requests import raw_answer, read
from sidecar.auth.tokens import LoginId, Principal
from sidecar.errors import InvalidError, KeyReusedError, SidecarError
from sidecar.models.base import Record
from sidecar.models.users import User
from sidecar.repositories.idempotency import Idempotency, Kept, KeptHead
from sidecar.repositories.transactions import Writing, keeping
from sidecar.services.logins import Opened

HEADER = "Idempotency-Key"
PLACES = {"StoredSession": "sessions", "Conversation": "conversations", "Agent": "agents", "User": "users"}
ORIGIN = web.RequestKey("origin", str)  # see ``Keyed.origin``; only of a request under a key


class _AnsweredMeanwhileError(SidecarError):
    """A twin of this request was faster; nobody but ``replayed`` sees this."""


class Keyed:
    """One request under its key: keeps its answer in the transaction that earns it, and gives it again.

    Args:
        request: Its head.
        principal: Who sends it.
        key: Its Idempotency-Key.
        fingerprint: What tells it from another request, see ``_fingerprint``.
    """

    def __init__(self, request: web.Request, principal: Principal, key: str, fingerprint: str) -> None:
        self._context = request.app[CONTEXT]
        self._tenant = self._context.database.keyspace.tenant(principal.tenant_id)
        self._own = (principal.user_id, key)
        self._fingerprint = fingerprint
        self._is_minimal = wants_minimal(request)
        self._is_deletion = request.method == hdrs.METH_DELETE
        self._answers = Idempotency(self._tenant)
        self.origin = f"repeat:{key}:{fingerprint}"
        self.has_kept = False

    def __call__(self, tr: Writing, result: object) -> None:
        """See ``transactions.keeping``: steps on the way give neither record nor login, and nothing is kept of them."""
        if isinstance(result, Record | Opened):
            if self._answers.find(tr, *self._own) is not None:
                raise _AnsweredMeanwhileError("This request was answered meanwhile.")
            self._keep(tr, result)
            self.has_kept = True

    async def find(self) -> Kept | None:
        """Return what is kept under the request's key, whatever request it was of."""
        return await self._context.database.read(lambda tr: self._answers.find(tr, *self._own))

    def is_answered_by(self, kept: Kept) -> bool:
        """Tell whether a kept answer is this request's. After the pairing key was made anew it has to be believed."""
        (made_under, _, earlier), (key, _, own) = kept.fingerprint.partition(":"), self._fingerprint.partition(":")
        return made_under != key or hmac.compare_digest(earlier, own)

    async def answer(self, kept: Kept, *, replayed: bool) -> web.Response:
        """Return a kept answer.

        Raises:
            KeyReusedError: It was given to another request.
            UnauthenticatedError: It was a login, which has ended since or been refreshed.
        """
        if not self.is_answered_by(kept):
            raise KeyReusedError(f"This {HEADER} came with another request before; take a new one.")
        status = HTTPStatus(kept.status)
        if kept.login_id is not None:
            login_id = LoginId(self._tenant.tenant_id, kept.login_id)
            response = raw_answer((await self._context.logins.again(login_id, self.origin)).to_json(), status)
        elif kept.body:
            response = raw_answer(kept.body, status)
        elif kept.etag is not None:
            response = minimal_answer(status, int(kept.etag.strip('"')))
        else:
            response = web.Response(status=status)
        headers = {"ETag": kept.etag, "Location": kept.location, "Idempotency-Replayed": "true" if replayed else None}
        response.headers.update({name: value for name, value in headers.items() if value is not None})
        return response

    def _keep(self, tr: Writing, result: Record | Opened) -> None:
        if isinstance(result, Opened):
            self._answers.put(tr, *self._own, self._head(tr, HTTPStatus.OK, login_id=result.session.id))
        elif self._is_deletion:
            self._answers.put(tr, *self._own, self._head(tr, HTTPStatus.NO_CONTENT))
        else:
            shown = result.public() if isinstance(result, User) else result
            self._answers.put(tr, *self._own, self._head_of(tr, result), answer=b"" if self._is_minimal else shown)

    def _head(self, tr: Writing, status: HTTPStatus, **more: str | None) -> KeptHead:
        return KeptHead(fingerprint=self._fingerprint, at_ms=tr.now_ms, status=status, **more)

    def _head_of(self, tr: Writing, record: Record) -> KeptHead:
        is_new = any(each.op == "created" and each.id == record.id for each in tr.changes().get(self._tenant, ()))
        place = PLACES.get(type(record).__name__)
        return self._head(
            tr,
            HTTPStatus.CREATED if is_new else HTTPStatus.OK,
            etag=f'"{record.version}"',
            location=f"/api/v5/{place}/{record.id}" if is_new and place else None,
        )


async def replayed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Call ``handler``, or answer a change that was asked for before, by its Idempotency-Key, as it was then."""
    if HEADER not in request.headers:
        return await handler(request)
    keyed = await _keyed(request, request[CALLER].principal)
    earlier = await keyed.find()
    if earlier is not None:
        return await keyed.answer(earlier, replayed=True)
    request[ORIGIN] = keyed.origin
    try:
        with keeping(keyed):
            response = await handler(request)
    except SidecarError:  # also what a twin of this request has left: a record that has moved on, a name that is taken
        earlier = await keyed.find()
        if earlier is None:
            raise
        return await keyed.answer(earlier, replayed=True)
    kept = await keyed.find() if keyed.has_kept else None
    return response if kept is None else await keyed.answer(kept, replayed=False)


async def repeats_login(request: web.Request, principal: Principal) -> bool:
    """Tell whether a request under a key, whose caller's login has ended, is the one that another login answered."""
    keyed = await _keyed(request, principal)
    kept = await keyed.find()
    return kept is not None and kept.login_id is not None and keyed.is_answered_by(kept)


async def _keyed(request: web.Request, principal: Principal) -> Keyed:
    key = request.headers[HEADER]
    if not (key.isascii() and 1 <= len(key) <= limits.idempotency_key_chars_max):
        raise InvalidError(
            f"{HEADER} takes 1 to {limits.idempotency_key_chars_max} ASCII characters.", code="invalid_idempotency_key"
        )
    return Keyed(request, principal, key, await _fingerprint(request))


async def _fingerprint(request: web.Request) -> str:
    """Return what tells one request from another, behind a name of the pairing key.

    It is an HMAC under that key, because a body may hold a password that could be searched. Another is made when the
    login session's runtime folder was emptied, at a restart of the machine for one: then the two can't be compared.
    """
    key = request.app[CONTEXT].pairing_key.encode()
    parts = (b"sidecar-idempotency-v1", request.method.encode(), request.path_qs.encode(), await read(request))
    own = hmac.digest(key, b"\x00".join(parts), "sha256").hex()
    return f"{hashlib.sha256(key).hexdigest()[:16]}:{own}"
