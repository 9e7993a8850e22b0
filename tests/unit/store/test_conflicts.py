from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar import limits
from sidecar.store.embedded.conflicts import ConflictWindow, Entry
from sidecar.store.embedded.ranges import RangeSet
from tests.examples import examples

KEYS = st.integers(0, 15).map(lambda number: bytes([number]))
RANGES = st.tuples(KEYS, KEYS).map(sorted).filter(lambda pair: pair[0] < pair[1]).map(tuple)


@dataclass
class Written:
    keys: list[bytes]
    ranges: list[tuple[bytes, bytes]]
    version: int


COMMITS = st.lists(
    st.tuples(st.lists(KEYS, max_size=3), st.lists(RANGES, max_size=2), st.integers(0, 1)), min_size=1, max_size=40
)


def window_of(
    commits: list[tuple[list[bytes], list[tuple[bytes, bytes]], int]],
) -> tuple[ConflictWindow, list[Written]]:
    window, plain, version = ConflictWindow(0), [], 0
    for keys, ranges, step in commits:
        version += step
        window.append(Entry(version, 0, float(version), keys, ranges))
        plain.append(Written(keys, ranges, version))
    return window, plain


def expected(plain: list[Written], since: int, keys: list[bytes], ranges: list[tuple[bytes, bytes]]) -> bool:
    for one in plain:
        if one.version <= since:
            continue
        spans = [*one.ranges, *((key, key + b"\x00") for key in one.keys)]
        asked = [*ranges, *((key, key + b"\x00") for key in keys)]
        if any(low < stop and begin < high for low, high in spans for begin, stop in asked):
            return True
    return False


@settings(max_examples=examples(300))
@given(COMMITS, st.lists(KEYS, max_size=2), st.lists(RANGES, max_size=2), st.integers(0, 40))
def test_a_conflict_is_found_where_a_plain_search_finds_one(
    commits: list[tuple[list[bytes], list[tuple[bytes, bytes]], int]],
    keys: list[bytes],
    ranges: list[tuple[bytes, bytes]],
    since: int,
) -> None:
    window, plain = window_of(commits)

    assert window.conflicts(since, keys, ranges) == expected(plain, since, keys, ranges)


@given(COMMITS, st.lists(KEYS, max_size=2), st.lists(RANGES, max_size=2), st.integers(0, 40))
def test_what_has_left_the_window_makes_its_readers_too_old_and_nobody_else(
    commits: list[tuple[list[bytes], list[tuple[bytes, bytes]], int]],
    keys: list[bytes],
    ranges: list[tuple[bytes, bytes]],
    since: int,
) -> None:
    window, plain = window_of(commits)
    window.conflicts(0, keys, ranges)  # makes blocks, which have to leave with their entries
    middle = len(plain) and plain[len(plain) // 2].version
    window.expire(middle + limits.store_read_window_seconds)

    dropped = [one.version for one in plain if one.version < middle]
    assert window.floor == max(dropped, default=0)
    if not window.too_old(since):
        assert window.conflicts(since, keys, ranges) == expected(plain, since, keys, ranges)


def test_an_empty_window_holds_nothing() -> None:
    window, _ = window_of([([b"a"], [(b"b", b"c")], 1)] * 100)
    window.conflicts(0, [b"x"], [(b"x", b"y")])

    window.expire(1_000.0)

    assert len(window) == 0
    assert window.footprint() == 0
    assert window.too_old(99)
    assert not window.too_old(100)


def test_the_window_is_bounded_in_keys() -> None:
    window = ConflictWindow(0)
    keys = [number.to_bytes(4, "big") for number in range(limits.store_window_keys_max // 2 + 1)]
    for version in (1, 2, 3):
        window.append(Entry(version, 0, 0.0, keys, []))
        window.expire(0.0)

    assert len(window) == 1
    assert window.too_old(1)


@given(st.lists(st.tuples(st.booleans(), RANGES), max_size=20))
def test_a_range_set_is_a_set_of_keys(changes: list[tuple[bool, tuple[bytes, bytes]]]) -> None:
    ranges, plain = RangeSet(), set()
    for adds, (begin, end) in changes:
        keys = set(range(begin[0], end[0]))
        if adds:
            ranges.add(begin, end)
            plain |= keys
        else:
            ranges.remove(begin, end)
            plain -= keys

    assert {number for number in range(17) if bytes([number]) in ranges} == plain
    assert list(ranges) == sorted(ranges)
    assert all(end < begin for (_, end), (begin, _) in zip(list(ranges), list(ranges)[1:], strict=False))
    for low in range(17):
        for high in range(low + 1, 17):
            assert ranges.overlaps(bytes([low]), bytes([high])) == bool(plain & set(range(low, high)))
