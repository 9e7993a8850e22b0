import math
import uuid

import fdb.tuple
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import InvalidError
from sidecar.store.tuples import Items, Subspace, TupleItem, Versionstamp, pack, pack_versionstamped, strinc, unpack

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
STAMPS = st.builds(
    Versionstamp, st.binary(min_size=10, max_size=10).filter(lambda raw: raw != b"\xff" * 10), st.integers(0, 65_535)
)
SIMPLE = st.one_of(
    st.none(),
    st.binary(),
    TEXT,
    st.integers(-(1 << 80), 1 << 80),
    st.floats(),
    st.booleans(),
    st.uuids(),
    STAMPS,
)
ITEMS = st.lists(
    st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=8), max_size=5
).map(tuple)


# The official layer packs a versionstamp only where FoundationDB's client library is installed.
PLAIN = st.lists(
    st.recursive(
        st.one_of(
            st.none(), st.binary(), TEXT, st.integers(-(1 << 80), 1 << 80), st.floats(), st.booleans(), st.uuids()
        ),
        lambda inner: st.lists(inner, max_size=4).map(tuple),
        max_leaves=8,
    ),
    max_size=5,
).map(tuple)


def comparable(items: Items) -> list[object]:
    """Return a form in which NaN equals itself and True is not 1."""
    return [
        (
            type(item).__name__,
            comparable(item) if type(item) is tuple else repr(item) if isinstance(item, float) else item,
        )
        for item in items
    ]


@given(PLAIN)
@example((None, (None, (None,)), b"\x00\xff", "\x00", 0, -1, 1, 255, 256, -255, -256, math.inf, -0.0))
@example((1 << 64, (1 << 64) - 1, -(1 << 64), -(1 << 64) + 1, 1 << 2039, -(1 << 2039)))
def test_the_bytes_are_those_of_the_official_layer(items: Items) -> None:
    assert pack(items) == fdb.tuple.pack(items)


def test_a_versionstamp_is_its_code_ten_bytes_and_two() -> None:
    assert pack((Versionstamp(bytes(range(10)), 0x0102),)) == b"\x33" + bytes(range(10)) + b"\x01\x02"
    assert pack((Versionstamp(None, 3),)) == b"\x33" + b"\xff" * 10 + b"\x00\x03"


@given(ITEMS)
def test_unpacking_gives_back_what_was_packed(items: Items) -> None:
    assert comparable(unpack(pack(items, b"prefix"), 6)) == comparable(items)


@given(st.lists(st.tuples(TEXT, st.integers(), st.binary()), min_size=2, max_size=6))
def test_keys_sort_as_their_tuples_do(tuples: list[tuple[str, int, bytes]]) -> None:
    by_tuple = sorted(tuples, key=lambda items: (items[0].encode(), *items[1:]))

    assert sorted(pack(items) for items in tuples) == [pack(items) for items in by_tuple]


@pytest.mark.parametrize("bad", ["\ud800", "a\udcff", [1], object(), 1 << 2040, Versionstamp(b"short", 0)])
def test_what_can_not_be_a_key_is_refused(bad: TupleItem) -> None:
    with pytest.raises(InvalidError):
        pack((bad,))


@given(st.binary(max_size=12))
def test_bytes_that_are_no_tuple_are_refused_or_are_one(raw: bytes) -> None:
    try:
        items = unpack(raw)
    except InvalidError:
        return
    assert isinstance(items, tuple)


@given(ITEMS, st.integers(0, 65_535), ITEMS)
def test_a_versionstamped_tuple_has_its_hole_where_the_stamp_comes(left: Items, user: int, right: Items) -> None:
    stamp = bytes(range(10))
    for hole, filled in (
        ((*left, (Versionstamp(None, user),), *right), (*left, (Versionstamp(stamp, user),), *right)),
        ((*left, Versionstamp(None, user)), (*left, Versionstamp(stamp, user))),
    ):
        before, after = pack_versionstamped(hole, b"p")
        assert before + stamp + after == pack(filled, b"p")


@pytest.mark.parametrize("items", [(), (1,), (Versionstamp(), Versionstamp())])
def test_a_versionstamped_tuple_has_exactly_one_hole(items: Items) -> None:
    with pytest.raises(InvalidError, match="exactly one"):
        pack_versionstamped(items)


def test_a_subspace_holds_its_keys_and_no_other() -> None:
    space = Subspace(("a",), b"root")
    begin, end = space.range((1,))

    assert begin < space.pack((1, "x")) < end
    assert not begin <= space.pack((1,)) < end
    assert not begin <= space.pack((2,)) < end
    assert space.unpack(space.pack((1, "x"))) == (1, "x")
    assert space["b"].raw == space.sub("b").raw == space.pack(("b",))
    assert space.pack((1,)) in space
    assert b"other" not in space
    with pytest.raises(InvalidError):
        space.unpack(b"other")


def test_subspaces_with_one_prefix_are_equal() -> None:
    assert {Subspace(("a",)), Subspace(raw_prefix=pack(("a",)))} == {Subspace(("a",))}


@pytest.mark.parametrize(("prefix", "after"), [(b"a", b"b"), (b"a\xff\xff", b"b"), (b"\x00", b"\x01")])
def test_strinc_is_the_first_key_after_all_with_the_prefix(prefix: bytes, after: bytes) -> None:
    assert strinc(prefix) == after


@pytest.mark.parametrize("prefix", [b"", b"\xff", b"\xff\xff"])
def test_strinc_of_the_last_prefix_is_refused(prefix: bytes) -> None:
    with pytest.raises(InvalidError):
        strinc(prefix)


def test_ids_pack_in_16_bytes() -> None:
    assert len(pack((uuid.UUID(int=1),))) == 17
