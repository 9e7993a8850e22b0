"""Concurrent transactions against a model: a sorted dict, and sets of what each read and wrote."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sidecar.errors import TransactionError
from sidecar.store.engine import AtomicOp, Engine, Transaction
from tests.examples import examples

LETTERS = b"abcd"
PLACES = st.integers(0, len(LETTERS) - 1)
SPANS = st.tuples(st.integers(0, len(LETTERS)), st.integers(0, len(LETTERS))).map(lambda pair: tuple(sorted(pair)))
NAMES = st.sampled_from(["one", "two", "three"])
VALUES = st.binary(max_size=3)

Part = tuple[int, str]  # a key's place, and "key" or "rest": what lies between this key and the next


def span_parts(begin: int, end: int) -> set[Part]:
    return {(place, part) for place in range(begin, end) for part in ("key", "rest")}


@dataclass
class Open:
    """The model of one open transaction."""

    tr: Transaction
    seen: dict[int, bytes]
    since: int
    read: set[Part] = field(default_factory=set)
    wrote: set[Part] = field(default_factory=set)
    independent: set[Part] = field(default_factory=set)
    sums: dict[int, int] = field(default_factory=dict)


class Transactions(RuleBasedStateMachine):
    """Three transactions at a time, over four keys."""

    engine: Engine
    prefix: bytes

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, bytes] = {}
        self.commits: list[set[Part]] = []
        self.open: dict[str, Open] = {}
        tr = self.engine.begin()
        tr.clear_range(self.prefix, self.prefix + b"\xff")
        tr.commit()

    def key(self, place: int) -> bytes:
        return self.prefix + (LETTERS[place : place + 1] if place < len(LETTERS) else b"e")

    def using(self, name: str) -> Open:
        """Return the open transaction of that name, begun now when there is none."""
        if name not in self.open:
            tr = self.engine.begin()
            tr.read_version()
            self.open[name] = Open(tr, dict(self.rows), len(self.commits))
        return self.open[name]

    @rule(name=NAMES, place=PLACES)
    def get(self, name: str, place: int) -> None:
        one = self.using(name)
        assert one.tr.get(self.key(place)) == one.seen.get(place)
        one.read |= {(place, "key")} - one.independent

    @rule(name=NAMES, span=SPANS, reverse=st.booleans())
    def get_range(self, name: str, span: tuple[int, int], reverse: bool) -> None:
        one = self.using(name)
        rows = one.tr.get_range(self.key(span[0]), self.key(span[1]), reverse=reverse)
        places = sorted((place for place in one.seen if span[0] <= place < span[1]), reverse=reverse)
        assert rows == [(self.key(place), one.seen[place]) for place in places]
        one.read |= span_parts(*span) - one.independent

    @rule(name=NAMES, span=SPANS, limit=st.integers(1, 3), reverse=st.booleans())
    def get_limited_range_in_snapshot(self, name: str, span: tuple[int, int], limit: int, reverse: bool) -> None:
        one = self.using(name)
        rows = one.tr.get_range(self.key(span[0]), self.key(span[1]), limit=limit, reverse=reverse, snapshot=True)
        places = sorted((place for place in one.seen if span[0] <= place < span[1]), reverse=reverse)
        assert rows == [(self.key(place), one.seen[place]) for place in places[:limit]]

    @rule(name=NAMES, place=PLACES, value=VALUES)
    def set(self, name: str, place: int, value: bytes) -> None:
        one = self.using(name)
        one.tr.set(self.key(place), value)
        one.seen[place] = value
        one.wrote.add((place, "key"))
        one.independent.add((place, "key"))

    @rule(name=NAMES, place=PLACES, amount=st.integers(1, 255))
    def add(self, name: str, place: int, amount: int) -> None:
        one = self.using(name)
        one.tr.atomic(AtomicOp.ADD, self.key(place), bytes([amount]))
        held = one.seen.get(place, b"")
        one.seen[place] = bytes([((held[0] if held else 0) + amount) % 256])
        one.wrote.add((place, "key"))
        if (place, "key") not in one.independent:
            one.sums[place] = (one.sums.get(place, 0) + amount) % 256

    @rule(name=NAMES, span=SPANS)
    def clear_range(self, name: str, span: tuple[int, int]) -> None:
        one = self.using(name)
        one.tr.clear_range(self.key(span[0]), self.key(span[1]))
        for place in range(*span):
            one.seen.pop(place, None)
            one.sums.pop(place, None)
        one.wrote |= span_parts(*span)
        one.independent |= span_parts(*span)

    @rule(name=NAMES, place=PLACES)
    def clear(self, name: str, place: int) -> None:
        one = self.using(name)
        one.tr.clear(self.key(place))
        one.seen.pop(place, None)
        one.sums.pop(place, None)
        one.wrote.add((place, "key"))
        one.independent.add((place, "key"))

    @rule(name=NAMES)
    def commit(self, name: str) -> None:
        one = self.using(name)
        del self.open[name]
        conflicts = bool(one.wrote) and any(one.read & wrote for wrote in self.commits[one.since :])
        if conflicts:
            with pytest.raises(TransactionError) as caught:
                one.tr.commit()
            assert caught.value.number == 1020
            return
        one.tr.commit()
        for place, part in one.wrote:
            if part == "key":
                self.land(one, place)
        if one.wrote:
            self.commits.append(one.wrote)

    def land(self, one: Open, place: int) -> None:
        """Apply what a commit does to one key: an addition counts from what is stored then, not from what was seen."""
        if place in one.sums and (place, "key") not in one.independent:
            held = self.rows.get(place, b"")
            self.rows[place] = bytes([((held[0] if held else 0) + one.sums[place]) % 256])
        elif place in one.seen:
            self.rows[place] = one.seen[place]
        else:
            self.rows.pop(place, None)

    @rule(name=NAMES)
    def give_up(self, name: str) -> None:
        if one := self.open.pop(name, None):
            one.tr.cancel()

    @invariant()
    def the_store_is_the_model(self) -> None:
        tr = self.engine.begin()
        rows = tr.get_range(self.prefix, self.prefix + b"\xff", snapshot=True)
        tr.cancel()
        assert rows == [(self.key(place), self.rows[place]) for place in sorted(self.rows)]

    def teardown(self) -> None:
        for one in self.open.values():
            one.tr.cancel()


@pytest.mark.hypothesis
@pytest.mark.timeout(300)
async def test_concurrent_transactions_do_what_the_model_does(engine: Engine, prefix: bytes) -> None:
    class Machine(Transactions):
        pass

    Machine.engine = engine
    Machine.prefix = prefix
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples(100),
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
