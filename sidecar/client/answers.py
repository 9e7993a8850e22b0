"""What is sent and answered, between JSON and our own errors. Knows no connection."""

import json
from collections.abc import Mapping
from typing import Any

from sidecar import errors
from sidecar.errors import ForbiddenError, InvalidError, SidecarError, UnauthenticatedError, UnavailableError

JsonObject = dict[str, Any]


def check_text(sent: object, name: str = "What is asked") -> None:
    """Raise where something holds text that is none: bytes that are not UTF-8, as in a name from the file system.

    Args:
        name: Of the field. Its value is not told: it may be a password.
    """
    if isinstance(sent, str):
        try:
            sent.encode()
        except UnicodeEncodeError:
            raise InvalidError(f"{name} is not UTF-8, so it can not be sent to the daemon.") from None
    elif isinstance(sent, Mapping):
        for key, value in sent.items():
            check_text(key, "The name of a field")
            check_text(value, key)
    elif isinstance(sent, list):
        for each in sent:
            check_text(each, name)


def document(url: str, status: int, content: bytes) -> JsonObject:
    """Return the JSON object of an answer, empty without content; raises what a problem document stands for."""
    try:
        answer = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or 300 <= status < 400:
        raise InvalidError(f"What answers at {url} does not speak Sidecar's API.")
    if status >= 400:
        raise error_of(status, answer)
    return answer


def error_of(status: int, problem: JsonObject) -> SidecarError:
    """Return the error that a problem document (RFC 9457, with our ``code``) stands for."""
    code = str(problem.get("code", "internal"))
    message = str(problem.get("detail") or problem.get("title") or f"The daemon answered {status}.")
    told = problem.get("details")
    details = {**(told if isinstance(told, dict) else {}), "status": status, "request_id": problem.get("request_id")}
    return _classes().get(code, _BY_STATUS.get(status, SidecarError))(message, code=code, details=details)


_BY_STATUS: dict[int, type[SidecarError]] = {
    400: InvalidError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    410: errors.CursorExpiredError,
    412: errors.VersionConflictError,
    503: UnavailableError,
}


def _classes() -> dict[str, type[SidecarError]]:
    """Return the error classes by their codes, but those that are made in another way."""
    known = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SidecarError)]
    return {kind.code: kind for kind in known if kind is not errors.TransactionError}


def unreachable(url: str) -> UnavailableError:
    """Return the error that says that nobody answers at a URL."""
    return UnavailableError(
        f"The daemon does not answer at {url}; if it crashed, `sidecar up PATH` starts it again.", code="not_running"
    )
