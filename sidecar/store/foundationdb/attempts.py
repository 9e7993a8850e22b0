"""Attempts: a body is run, and run again, until it is committed, its time is over, or another try is of no use.

What was committed is not run again. Where the cluster can't say how a commit ended (1021), the next attempt looks
first: each commit leaves its mark, 16 random bytes, under a key of the thread that it is made in. Before 1021 is
raised, FoundationDB's client has made sure that the commit is not under way any more.
Source: FoundationDB 7.3 documentation, "Transactions with unknown results".
"""

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import SidecarError, TransactionError, UnavailableError
from sidecar.store.foundationdb.opened import Opened
from sidecar.store.foundationdb.transaction import FoundationTransaction
from sidecar.store.options import EngineOptions
from sidecar.store.tuples import strinc

T = TypeVar("T")

_TOO_OLD, _UNKNOWN, _CANCELLED, _TIMED_OUT = 1007, 1021, 1025, 1031
_MAY_BE_COMMITTED = frozenset((_UNKNOWN, _TIMED_OUT, 1039))  # when the commit raises it
_MARK_BYTES = 16
_VERSIONS_PER_SECOND = 1_000_000


class Attempts:
    """Runs the bodies of one engine, each in the thread that calls.

    Args:
        begin: Makes a transaction that has so many milliseconds, tries and waits included.
        opened: What closing the engine cancels.
        clock: For what is left of a deadline.
        options: Bounds, and where the marks lie.

    Attributes:
        timeout_ms: What a body has that is asked for now, with all its attempts.
    """

    def __init__(
        self, begin: Callable[[int], FoundationTransaction], opened: Opened, *, clock: Clock, options: EngineOptions
    ) -> None:
        self.timeout_ms = options.transaction_timeout_ms
        self._begin = begin
        self._opened = opened
        self._clock = clock
        self._retries_max = options.retries_max
        self._marks = options.system_prefix + b"last/"
        self._own_marks = self._marks + os.urandom(8)  # as long as any engine's, so that none begins another's

    def deadline(self) -> float:
        """Return when a body that is asked for now has to be done, waiting for its thread included."""
        return self._clock.monotonic() + self.timeout_ms / 1_000

    def run(self, body: Callable[[FoundationTransaction], T], *, commits: bool, deadline: float | None = None) -> T:
        """Return what ``body`` returned in the attempt that succeeded.

        Raises:
            TransactionError: The last attempt's; 1021 when nobody can tell whether it was committed.
            UnavailableError: The cluster does not answer, or the engine is closed; nothing was written.
        """
        deadline = self.deadline() if deadline is None else deadline
        milliseconds = int((deadline - self._clock.monotonic()) * 1_000)
        if milliseconds <= 0:
            raise self._silence()
        attempt = _Attempt(self._begin(milliseconds), body, self._own_marks + threading.get_ident().to_bytes(8, "big"))
        passing: TransactionError | None = None
        for _ in range(self._retries_max + 1):
            try:
                return attempt.once(commits=commits)
            except TransactionError as error:
                passing = passing if error.number == _TIMED_OUT else error
                last = attempt.after(error)
                if last is not None:
                    raise attempt.unknown() or self.final(last, passing) from error
        raise attempt.unknown() or passing or self._silence()

    def final(self, last: TransactionError, passing: TransactionError | None = None) -> SidecarError:
        """Return what to raise for the error after which no try is left.

        Args:
            last: That error.
            passing: What the attempts failed with before their time was over.
        """
        if last.number == _CANCELLED and self._opened.closed:
            return UnavailableError("The store is closed.")
        if last.number != _TIMED_OUT:
            return last
        if passing is not None and passing.number == _TOO_OLD:
            return TransactionError(_TOO_OLD, "This took longer than the five seconds that FoundationDB allows.")
        return passing or self._silence()

    def _silence(self) -> UnavailableError:
        seconds = self.timeout_ms / 1_000
        return UnavailableError(
            f"The FoundationDB cluster did not answer within {seconds:g} seconds; is it running and reachable?"
        )

    def clear_old_marks(self, tr: FoundationTransaction) -> None:
        """Clear what killed engines have left: marks that are so old that nobody looks for them any more."""
        oldest = tr.read_version() - limits.store_marks_kept_seconds * _VERSIONS_PER_SECOND
        marks = tr.get_range(self._marks, strinc(self._marks), limit=limits.store_marks_cleared_max, snapshot=True)
        for key, mark in marks:
            if int.from_bytes(mark[_MARK_BYTES : _MARK_BYTES + 8], "big") < oldest:
                tr.clear(key)

    def clear_own_marks(self, tr: FoundationTransaction) -> None:
        """Clear the marks of this engine, of which nothing is under way any more."""
        tr.clear_range(self._own_marks, strinc(self._own_marks))


class _Attempt(Generic[T]):
    """The attempts at one body, one after the other.

    Args:
        tr: Used by all of them.
        body: The body.
        mark_key: Where a commit of the calling thread leaves its mark.
    """

    def __init__(self, tr: FoundationTransaction, body: Callable[[FoundationTransaction], T], mark_key: bytes) -> None:
        self._tr = tr
        self._body = body
        self._mark_key = mark_key
        self._mark = os.urandom(_MARK_BYTES)
        self._uncertain: tuple[T, ...] = ()  # the result of a run that may have been committed

    def once(self, *, commits: bool) -> T:
        """Run the body and commit it, unless its last run was."""
        if self._uncertain and (self._tr.get(self._mark_key, snapshot=True) or b"").startswith(self._mark):
            return self._uncertain[0]
        self._uncertain = ()
        result = self._body(self._tr)
        if commits:
            self._commit(result)
        return result

    def _commit(self, result: T) -> None:
        if self._tr.has_written:
            self._tr.no_write_conflict()
            self._tr.versionstamped_value(self._mark_key, self._mark, b"")
        try:
            self._tr.commit()
        except TransactionError as error:
            if self._tr.has_written and error.number in _MAY_BE_COMMITTED:
                self._uncertain = (result,)
            raise

    def after(self, error: TransactionError) -> TransactionError | None:
        """Back off for another try after ``error``; return why there can be none."""
        try:
            self._tr.on_error(error.number)
        except TransactionError as last:
            return last
        return None

    def unknown(self) -> TransactionError | None:
        """Return the error that says that nobody can tell whether the last run was committed, if so."""
        if not self._uncertain:
            return None
        return TransactionError(_UNKNOWN, "The FoundationDB cluster did not tell whether this was stored.")
