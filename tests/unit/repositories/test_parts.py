"""State in parts: whatever the tree, what is put together again is what was taken apart."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import limits
from sidecar.errors import InvalidError
from sidecar.models.workspace_sessions import PartName, WorkspaceSession
from sidecar.repositories import parts
from sidecar.repositories.blobs import digest_of

LONG = limits.state_hole_bytes_min
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
STRINGS = TEXT | st.builds(lambda text, times: (text or "x") * times, TEXT, st.integers(LONG // 4, LONG))
TREES = st.dictionaries(
    TEXT,
    st.recursive(
        STRINGS | st.none() | st.booleans() | st.integers(-(2**53), 2**53),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)

WORDS = st.text(st.sampled_from('"\\:,{[ aé'), max_size=60)
STATES = st.recursive(
    WORDS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(WORDS, inner, max_size=5),
)


class Contents:
    """Stands for the blobs of a store."""

    def __init__(self, splits: dict[PartName, parts.Split]) -> None:
        self.held = {digest: content for split in splits.values() for digest, content in split.contents.items()}

    def get(self, _tr: object, digest: bytes) -> bytes:
        return self.held[digest]


def put_together(fields: dict[str, object]) -> dict[str, object]:
    """Return state fields as they are served after a split."""
    splits = parts.split(fields)
    held = {name: split.part for name, split in splits.items() if split.part is not None}
    served = parts.json_of(None, Contents(splits), held)  # type: ignore[arg-type] # no store is needed
    return {field: json.loads(text) for field, text in served if field in fields}


@given(TREES)
def test_any_state_is_put_together_as_it_was_taken_apart(tree: dict[str, object]) -> None:
    tree = {key: value for key, value in tree.items() if key not in ("groups", "layout", "active_group")}
    served = put_together({"editor_state": tree})["editor_state"]
    assert served == {"groups": [], "layout": None, "active_group": None, **tree}


@given(STATES, st.integers(1, 30))
def test_long_strings_are_found_as_by_reading_the_text_token_by_token(tree: object, bytes_min: int) -> None:
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    strings = re.finditer(rb'"((?:[^"\\]|\\.)*)"(:?)', text)
    long = [(each.start(), each.end(1) + 1) for each in strings if len(each[1]) >= bytes_min and not each[2]]
    assert list(parts.long_strings(text, bytes_min)) == long


def test_long_strings_are_cut_out_wherever_they_stand_and_each_content_once() -> None:
    long, other = "a" * LONG, 'b"\\\n' * LONG
    tree = {"x": [long, {"y": long}], "z": other, "short": "c" * (LONG - 1)}
    (split,) = parts.split({"editor_state": tree}).values()
    assert split.part is not None
    assert len(split.part.holes) == 3
    assert len({hole.sha256 for hole in split.part.holes}) == 2
    text = split.contents[bytes.fromhex(split.part.sha256)]
    assert b"a" * 50 not in text
    assert b"c" * 50 in text
    assert put_together({"editor_state": tree})["editor_state"] == {
        "groups": [],
        "layout": None,
        "active_group": None,
        **tree,
    }


def test_equal_states_have_equal_parts_and_another_cursor_only_another_text() -> None:
    def part(line: int) -> parts.Split:
        at = {"line": line, "character": 0}
        tab = {"path": "a", "content": "x" * LONG, "selections": [{"start": at, "end": at}]}
        return parts.split({"editor_state": {"groups": [{"tabs": [tab]}]}})["editor"]

    one, same, moved = part(1), part(1), part(2)
    assert one == same
    assert one.part is not None
    assert moved.part is not None
    assert one.part.sha256 != moved.part.sha256
    assert [hole.sha256 for hole in one.part.holes] == [hole.sha256 for hole in moved.part.holes]


def test_the_names_of_contents_are_their_hashes_and_the_size_is_that_of_the_json() -> None:
    split = parts.split({"memory": {"facts": ["f" * LONG, "é"]}})["memory"]
    assert split.part is not None
    assert all(digest_of(content) == digest for digest, content in split.contents.items())
    assert split.part.size == len(
        json.dumps({"facts": ["f" * LONG, "é"], "decisions": []}, ensure_ascii=False, separators=(",", ":")).encode()
    )


def test_an_empty_state_is_no_part() -> None:
    fresh = WorkspaceSession.model_fields
    empty = {field: fresh[field].get_default(call_default_factory=True) for field in parts.FIELDS.values()}
    assert all(split == (None, {}) for split in parts.split(empty).values())


def test_a_violation_names_the_field() -> None:
    with pytest.raises(InvalidError, match="terminal_state"):
        parts.split({"terminal_state": {"terminals": [{"is_active": 1}]}})
