"""Transactions of records: a store's transaction, the time it stands at, and the changes it will tell of.

A ``Database`` opens them; repositories take them as ``tr``. The change rows are written at the end of the body,
inside the same transaction, so that no mutation can be without its row. So are the rows of the audit trail, when the
transaction is opened on behalf of somebody: see ``acting``.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeVar

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import TransactionError, UnavailableError
from sidecar.metrics import Metrics
from sidecar.models.changes import Change
from sidecar.repositories import keys
from sidecar.store.engine import AtomicOp, Engine, ReadTransaction, Transaction
from sidecar.store.tuples import Versionstamp

T = TypeVar("T")
log = logging.getLogger(__name__)
_TIMED_OUT = 1031


class Actor(NamedTuple):
    """On whose behalf transactions are opened: what the audit trail tells of them.

    Attributes:
        tenant: The user's.
        logins_ended: The user's, when they were let in.
        is_admitted: What they do is finished whether they are still there or not.
    """

    tenant: keys.TenantKeys
    user_id: str
    auth_session_id: str
    ip_address: str
    user_agent: str
    logins_ended: int
    is_admitted: bool = False


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Let every transaction that this task opens inside the block be on behalf of ``actor``.

    A context variable, because then no handler and no service can forget to pass it on. What a request starts in the
    background is not its actor's doing: ``daemon.lifecycle.Tasks`` starts tasks without one.
    """
    before = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(before)


@contextmanager
def finishing() -> Iterator[None]:
    """Let transactions inside the block finish what their actor has begun, even if that was their own removal."""
    actor = _actor.get()
    before = _actor.set(actor and actor._replace(is_admitted=True))
    try:
        yield
    finally:
        _actor.reset(before)


Keeper = Callable[["Writing", object], None]
_keeper: ContextVar[Keeper | None] = ContextVar("keeper", default=None)


@contextmanager
def keeping(keeper: Keeper) -> Iterator[None]:
    """Let ``keeper`` see the result of every transaction that this task opens inside the block, before it is committed.

    What it writes is committed with the rest: so an answer to a request is kept in the transaction that earned it.
    """
    before = _keeper.set(keeper)
    try:
        yield
    finally:
        _keeper.reset(before)


class Reading:
    """One snapshot of the records.

    Attributes:
        kv: The store's transaction.
        now_ms: The time at which this transaction stands, milliseconds since 1970.
    """

    __slots__ = ("kv", "now_ms")

    kv: ReadTransaction

    def __init__(self, kv: ReadTransaction, now_ms: int) -> None:
        self.kv = kv
        self.now_ms = now_ms


class Writing(Reading):
    """One transaction of records."""

    __slots__ = ("_at_end", "_changes", "kv")

    kv: Transaction

    def __init__(self, kv: Transaction, now_ms: int) -> None:
        super().__init__(kv, now_ms)
        self.kv = kv
        self._changes: dict[keys.TenantKeys, list[Change | bytes]] = {}
        self._at_end: dict[bytes, Callable[[], None]] = {}

    def at_end(self, key: bytes, action: Callable[[], None]) -> None:
        """Let ``action`` be the last thing that this transaction does about ``key``, once, when all else is written."""
        self._at_end[key] = action

    def changed(self, tenant: keys.TenantKeys, *changes: Change | bytes) -> None:
        """Note changes, to be written with this transaction; one that is JSON already is written as it is."""
        if changes:  # a row that tells of nothing would wake all listeners
            self._changes.setdefault(tenant, []).extend(changes)

    def changes(self) -> Mapping[keys.TenantKeys, Sequence[Change]]:
        """Return what has been noted so far."""
        return {tenant: [_change(change) for change in changes] for tenant, changes in self._changes.items()}

    def settle(self) -> None:
        """Do what was left for the end."""
        for action in self._at_end.values():
            action()
        self._at_end.clear()

    def flush(self) -> None:
        """Write the change rows: one for each tenant, more where one would pass ``limits.change_row_bytes_max``."""
        self.settle()
        for tenant, changes in self._changes.items():
            log = tenant.space(keys.CHANGES)
            for order, row in enumerate(_rows([_json(change) for change in changes])):
                before, after = log.pack_versionstamped((Versionstamp(None, order),))
                self.kv.versionstamped_key(before, after, b'\x01{"at":%d,"changes":[%b]}' % (self.now_ms, row))
            self.kv.versionstamped_value(tenant.space(keys.CHANGES_HEAD).raw, b"", b"")
            self.kv.atomic(AtomicOp.ADD, tenant.space(keys.CHANGES_COUNT).raw, len(changes).to_bytes(8, "little"))
        self._changes.clear()


def _change(change: Change | bytes) -> Change:
    return Change.model_validate_json(change) if isinstance(change, bytes) else change


def _json(change: Change | bytes) -> bytes:
    return change if isinstance(change, bytes) else change.to_json()


def _rows(changes: list[bytes]) -> list[bytes]:
    rows: list[bytes] = []
    row: list[bytes] = []
    size = 0
    for change in changes:
        if row and size + len(change) > limits.change_row_bytes_max:
            rows.append(b",".join(row))
            row, size = [], 0
        row.append(change)
        size += len(change) + 1
    rows.append(b",".join(row))
    return rows


ForActor = Callable[[Writing, Actor], None]


class Database:
    """Opens transactions of records on an engine.

    Args:
        engine: The open store.
        clock: Tells a transaction its time.
        keyspace: Where the records lie.
        admit: Called before each body that runs on behalf of an actor; raises when they may not act any more.
        trail: Called at the end of each such body; writes the audit rows of its changes.
        metrics: Told of commits and conflicts.

    Attributes:
        trouble: Why the last transaction could not be stored; empty when it was.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        keyspace: keys.Keyspace | None = None,
        *,
        admit: ForActor | None = None,
        trail: ForActor | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.keyspace = keyspace or keys.Keyspace()
        self.trouble = ""
        self._admit = admit
        self._trail = trail
        self._metrics = metrics or Metrics()

    async def transact(self, body: Callable[[Writing], T], *, background: bool = False) -> T:
        """Run ``body`` and commit; durable when this returns. See ``Engine.transact`` for what a body may do."""
        actor, keeper = _actor.get(), _keeper.get()
        runs = 0

        def run(kv: Transaction) -> T:
            nonlocal runs
            runs += 1
            tr = Writing(kv, self.clock.now_ms())
            if actor is not None and self._admit is not None and not actor.is_admitted:
                self._admit(tr, actor)
            result = body(tr)
            tr.settle()  # before the trail, which also compares what there is with the tenant's plan
            if actor is not None and self._trail is not None:
                self._trail(tr, actor)
            if keeper is not None:
                keeper(tr, result)
            tr.flush()
            return result

        began = self.clock.monotonic()
        try:
            result = await self.engine.transact(run, background=background)
        except UnavailableError as error:
            self._failed(error)
            raise
        self._committed(self.clock.monotonic() - began, runs)
        return result

    def _committed(self, seconds: float, runs: int) -> None:
        self._metrics.count("commits_total")
        self._metrics.observe("commit_seconds", seconds)
        if runs > 1:
            self._metrics.count("conflicts_total", amount=runs - 1)
        log.debug("committed in %.1f ms, %d runs", seconds * 1000, runs)
        if self.trouble:
            self.trouble = ""
            log.warning("Changes are stored again.")

    def _failed(self, error: UnavailableError) -> None:
        if self.trouble != error.message:  # told once, not with every try
            self.trouble = error.message
            log.error("A change could not be stored: %s", error.message)

    async def read(self, body: Callable[[Reading], T], *, background: bool = False) -> T:
        """Run ``body`` on one snapshot."""
        now_ms = self.clock.now_ms()
        return await self.engine.read(lambda kv: body(Reading(kv, now_ms)), background=background)

    def read_here(self, body: Callable[[Reading], T]) -> T:
        """Run ``body`` on one snapshot in the calling thread; it blocks, so never on the event loop."""
        kv = self.engine.begin()
        try:
            for _ in range(limits.store_too_old_retries_max):
                try:
                    return body(Reading(kv, self.clock.now_ms()))
                except TransactionError as error:
                    kv.on_error(error.number)
            return body(Reading(kv, self.clock.now_ms()))
        except TransactionError as error:
            if error.number == _TIMED_OUT:
                raise UnavailableError("The store did not answer in time.") from error
            raise
        finally:
            kv.cancel()
