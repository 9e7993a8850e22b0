"""Errors as RFC 9457 problem documents; the one table from classes of errors to HTTP statuses."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from sidecar.errors import (
    ConflictError,
    CursorExpiredError,
    ForbiddenError,
    InvalidError,
    KeyReusedError,
    LimitExceededError,
    NotFoundError,
    SidecarError,
    TooManyRequestsError,
    TransactionError,
    UnauthenticatedError,
    UnavailableError,
    VersionConflictError,
)

# The first class that an error is an instance of decides; everything else is our own fault.
STATUSES: tuple[tuple[type[SidecarError], HTTPStatus], ...] = (
    (InvalidError, HTTPStatus.BAD_REQUEST),
    (UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (VersionConflictError, HTTPStatus.PRECONDITION_FAILED),
    (ConflictError, HTTPStatus.CONFLICT),
    (KeyReusedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (CursorExpiredError, HTTPStatus.GONE),
    (LimitExceededError, HTTPStatus.FORBIDDEN),
    (TooManyRequestsError, HTTPStatus.TOO_MANY_REQUESTS),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)
# The stable codes, by status, as clients may meet them; a test compares them with what the rooms raise.
CODES: Mapping[int, tuple[str, ...]] = {
    400: (
        "invalid",
        "invalid_cursor",
        "invalid_idempotency_key",
        "invalid_if_match",
        "invalid_json",
        "invalid_path",
        "password_changed",
        "http_error",
    ),
    401: (
        "account_inactive",
        "invalid_browser_token",
        "invalid_credentials",
        "invalid_pairing_key",
        "invalid_refresh_token",
        "invalid_ticket",
        "invalid_token",
        "login_ended",
        "refresh_token_expired",
        "refresh_token_reused",
        "token_expired",
        "token_revoked",
        "unauthenticated",
    ),
    403: (
        "browser_login",
        "csrf",
        "forbidden",
        "foreign_host",
        "foreign_origin",
        "limit_exceeded",
        "not_owner",
        "not_the_machines",
        "owner",
        "plan_limit",
        "role",
    ),
    404: ("no_such_route", "not_found"),
    405: ("method_not_allowed",),
    408: ("request_timeout",),
    409: ("busy", "conflict", "own_tenant", "owner"),
    410: ("cursor_expired",),
    411: ("length_required",),
    412: ("version_conflict",),
    413: ("body_too_large",),
    415: ("unsupported_media_type",),
    422: ("idempotency_key_reused",),
    429: ("rate_limited",),
    503: ("busy", "file_system_silent", "too_many_polls", "too_many_sockets", "unavailable"),
}
_KEPT_HEADERS = frozenset({"Allow", "Accept-Encoding"})  # of aiohttp's errors: what would be right
HTTP_CODES = {
    HTTPStatus.NOT_FOUND: "no_such_route",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_TIMEOUT: "request_timeout",
    HTTPStatus.LENGTH_REQUIRED: "length_required",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}


class _Meaning(NamedTuple):
    status: HTTPStatus
    code: str
    detail: str


_TOO_LARGE = _Meaning(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "This is too much to be stored at once; send it in parts."
)
_PASSING = _Meaning(
    HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The store could not do this now, and nothing was stored; try again."
)
_UNKNOWN = _Meaning(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "unavailable",
    "The store does not know whether this was stored; look before you repeat it without an Idempotency-Key.",
)
# What an error of a transaction means for its request, by FoundationDB's numbers; any other is our own fault.
TRANSACTIONS: Mapping[int, _Meaning] = {
    **dict.fromkeys((2101, 2102, 2103), _TOO_LARGE),
    **dict.fromkeys((1004, 1007, 1009, 1020, 1025, 1031, 1037, 1038, 1039, 1042, 1101), _PASSING),
    1021: _UNKNOWN,
}


def _meaning(error: SidecarError) -> _Meaning | None:
    return TRANSACTIONS.get(error.number) if isinstance(error, TransactionError) else None


def status_of(error: SidecarError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    meaning = _meaning(error)
    if meaning is not None:
        return meaning.status
    return next((status for kind, status in STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(status: HTTPStatus, code: str, detail: str, *, request_id: str, details: object = None) -> web.Response:
    """Return a problem document."""
    document: dict[str, object] = {
        "type": f"urn:sidecar:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }
    if details:
        document["details"] = details
    response = web.Response(status=status, body=json.dumps(document).encode(), content_type="application/problem+json")
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="sidecar"'
    return response


def of_error(error: SidecarError, request_id: str) -> web.Response:
    """Return the problem document of one of our errors; an unforeseen one says nothing but its request id."""
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return internal(request_id)
    meaning = _meaning(error)
    if meaning is not None:
        return problem(*meaning, request_id=request_id)
    response = problem(status, error.code, error.message, request_id=request_id, details=error.details)
    if "retry_after_seconds" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after_seconds"])
    return response


def of_http(error: web.HTTPException, request_id: str) -> web.Response:
    """Return the problem document of an error that aiohttp itself raised."""
    status = HTTPStatus(error.status)
    response = problem(status, HTTP_CODES.get(status, "http_error"), error.reason, request_id=request_id)
    for name in _KEPT_HEADERS & error.headers.keys():
        response.headers[name] = error.headers[name]
    return response


def of_bare(status: HTTPStatus, request_id: str) -> web.Response:
    """Return the problem document of what was refused before it was known for a request of ours."""
    detail = "This is no HTTP request that Sidecar knows." if status is HTTPStatus.BAD_REQUEST else status.description
    return problem(status, HTTP_CODES.get(status, "http_error"), detail or status.phrase, request_id=request_id)


def internal(request_id: str) -> web.Response:
    """Return the answer to what should not happen."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Something went wrong inside Sidecar; its log tells more under this request id.",
        request_id=request_id,
    )
