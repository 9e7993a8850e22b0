import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from sidecar.ids import ID_PATTERN, IdSource, id_behind, id_bytes


@given(st.lists(st.integers(min_value=0, max_value=2**47), min_size=1, max_size=50))
def test_ids_rise_even_when_the_clock_goes_back(times: list[int]) -> None:
    source = IdSource()
    made = [source.new(ms) for ms in times]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@given(st.integers(min_value=1, max_value=2**48 - 1))
def test_an_id_is_a_version_7_uuid_that_begins_with_its_time(ms: int) -> None:
    made = IdSource().new(ms)
    parsed = uuid.UUID(made)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == ms
    assert re.match(ID_PATTERN, made)
    assert id_bytes(made) == parsed.bytes


def test_ten_thousand_ids_of_one_millisecond_are_different_and_rising() -> None:
    source = IdSource()
    made = [source.new(1) for _ in range(10_000)]
    assert made == sorted(set(made))


@given(st.uuids())
def test_an_id_behind_another_sorts_little_behind_it(before: uuid.UUID) -> None:
    behind = id_behind(str(before))
    assert re.match(ID_PATTERN, behind)
    assert 0 < (int(behind.replace("-", ""), 16) - before.int) % 2**128 <= 2**32


def test_behind_the_last_id_comes_the_first() -> None:
    assert id_behind(str(uuid.UUID(int=2**128 - 1))).startswith("00000000-0000-0000")
