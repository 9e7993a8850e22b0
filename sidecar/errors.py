"""The tree of errors, known to every room.

A class exists only where a caller would act differently. ``code`` is stable and part of the API; ``message`` is one
sentence for a person; ``details`` are small JSON values for a program. The HTTP status of a class is decided in
``api/problems.py``, the exit code in ``cli/exits.py``, nowhere else.
"""

from collections.abc import Mapping

Details = Mapping[str, object]


class SidecarError(Exception):
    """The root: anything Sidecar raises on purpose.

    Args:
        message: What went wrong, where, and what would be right, in one sentence. Never holds a secret.
        code: A stable identifier for programs; the class's own by default.
        details: Small JSON values that tell a program more.
    """

    code = "internal"

    def __init__(self, message: str, *, code: str | None = None, details: Details | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details: dict[str, object] = dict(details or {})


class InvalidError(SidecarError):
    """The caller gave something that can never work as it is."""

    code = "invalid"


class NotFoundError(SidecarError):
    """What was named is not there, or belongs to someone else: the two are never told apart."""

    code = "not_found"


class ConflictError(SidecarError):
    """What is there contradicts the request: a taken unique value, a record that already exists."""

    code = "conflict"


class VersionConflictError(ConflictError):
    """The record has moved on since the caller read it; read it again and decide again."""

    code = "version_conflict"


class KeyReusedError(SidecarError):
    """An Idempotency-Key came again with another request; the caller takes a new one."""

    code = "idempotency_key_reused"


class UnauthenticatedError(SidecarError):
    """The caller has not shown who it is; a valid token would help."""

    code = "unauthenticated"


class ForbiddenError(SidecarError):
    """The caller is known, and may not."""

    code = "forbidden"


class LimitExceededError(SidecarError):
    """A bound of ``limits.py`` or of a plan would be passed; asking for less would help."""

    code = "limit_exceeded"


class TooManyRequestsError(SidecarError):
    """The caller asks more often than it may; ``retry_after_seconds`` in the details tells when to ask again."""

    code = "rate_limited"


class CursorExpiredError(SidecarError):
    """A cursor that this store can not continue from; the caller reads everything anew."""

    code = "cursor_expired"


class UnavailableError(SidecarError):
    """Something we stand on is not there (disk full, cluster away, daemon stopping); later may work."""

    code = "unavailable"


class AlreadyRunningError(UnavailableError):
    """Another process holds the store; its pid is in the message."""

    code = "already_running"


class CorruptStoreError(SidecarError):
    """Stored bytes are not what was written; nothing is overwritten, and what can be read is still readable."""

    code = "corrupt_store"


class StoreFormatError(SidecarError):
    """The store was written by a newer version; both versions are in the message."""

    code = "store_format"


UNREADABLE = (CorruptStoreError, StoreFormatError)
"""What reading a record raises when its bytes are not what this version writes: for who goes on with the next one."""


class TransactionError(SidecarError):
    """A FoundationDB error of a transaction, by its number, whichever engine raised it.

    Args:
        number: FoundationDB's error code, for example 1020 (not_committed).
        message: One sentence; FoundationDB's name of the error by default.

    Source of the numbers: FoundationDB 7.3 documentation, "Error Codes".
    """

    code = "transaction"

    def __init__(self, number: int, message: str | None = None) -> None:
        name = TRANSACTION_ERROR_NAMES.get(number, "unknown_error")
        super().__init__(message or f"Transaction error {number} ({name}).", details={"number": number, "name": name})
        self.number = number


TRANSACTION_ERROR_NAMES = {
    1004: "timed_out",
    1007: "transaction_too_old",
    1009: "future_version",
    1020: "not_committed",
    1021: "commit_unknown_result",
    1025: "transaction_cancelled",
    1031: "transaction_timed_out",
    1032: "too_many_watches",
    1036: "accessed_unreadable",
    1037: "process_behind",
    1038: "database_locked",
    1039: "cluster_version_changed",
    1042: "commit_proxy_memory_limit_exceeded",
    1101: "operation_cancelled",
    2000: "client_invalid_operation",
    2004: "key_outside_legal_range",
    2005: "inverted_range",
    2012: "range_limits_invalid",
    2017: "used_during_commit",
    2021: "no_commit_version",
    2101: "transaction_too_large",
    2102: "key_too_large",
    2103: "value_too_large",
    4100: "internal_error",
}
