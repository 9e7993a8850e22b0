"""What the doctor finds, and the steps in which it looks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from sidecar.repositories.transactions import Database, Reading, Writing

T = TypeVar("T")


class Problem(NamedTuple):
    """One thing that is not as it should be.

    Attributes:
        check: ``record``, ``index``, ``counter``, ``blob``, ``change``, ``deletion`` or ``tenant``.
        what: One sentence.
        repaired: It is right now.
        tenant_id: Whose it is.
    """

    check: str
    what: str
    repaired: bool
    tenant_id: str


@dataclass
class Tally:
    """What one step has found, and counted for the steps that come after.

    Attributes:
        next_key: Where the next step begins; None at the end.
        rows: How many rows were looked at, by name of their key.
        expected: How many index entries and references the records should have, by name of their key.
        sums: What the counters should say, by their keys.
    """

    problems: list[Problem] = field(default_factory=list)
    next_key: bytes | None = None
    rows: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    sums: Counter[bytes] = field(default_factory=Counter)

    def take(self, other: "Tally") -> None:
        """Add what a further step has found."""
        self.problems += other.problems
        self.rows.update(other.rows)
        self.expected.update(other.expected)
        self.sums.update(other.sums)


class Steps:
    """Runs the doctor's steps: reading ones, or such that also write.

    Args:
        database: What is looked at.
        repair: Steps get a ``Writing``.
        removes_unreadable: Those steps remove the records that can't be read.
        progress: Told after each step how many rows have been looked at so far.
    """

    def __init__(
        self,
        database: Database,
        *,
        repair: bool,
        removes_unreadable: bool = False,
        progress: Callable[[int], None] = lambda _rows: None,
    ) -> None:
        self._database = database
        self._progress = progress
        self._rows = 0
        self.repair = repair
        self.removes_unreadable = repair and removes_unreadable
        self.keyspace = database.keyspace

    async def once(self, step: Callable[[Reading], T]) -> T:
        """Run one step in one transaction."""
        if self.repair:
            return await self._database.transact(step, background=True)
        return await self._database.read(step, background=True)

    async def along(self, begin: bytes, step: Callable[[Reading, bytes], Tally]) -> Tally:
        """Run a step from ``begin`` on until it says that it is at the end, a transaction each."""
        whole = Tally()
        at: bytes | None = begin
        while at is not None:
            tally = await self.once(_from(step, at))
            whole.take(tally)
            self._rows += sum(tally.rows.values())
            self._progress(self._rows)
            at = tally.next_key
        return whole


def _from(step: Callable[[Reading, bytes], Tally], begin: bytes) -> Callable[[Reading], Tally]:
    return lambda tr: step(tr, begin)


def can_repair(tr: Reading) -> bool:
    """Tell whether a step may write."""
    return isinstance(tr, Writing)
