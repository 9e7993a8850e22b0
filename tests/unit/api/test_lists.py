"""What is among the items of a list, for texts and for notes: by content, of JSON's kinds, whatever the order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.api.lists import added, removed
from sidecar.models.editing import Note


def note(text: str, kind: type[Note] = Note, **more: Any) -> Note:
    return kind.model_validate({"text": text, **more})


ITEMS = st.lists(
    st.sampled_from("abc")
    | st.builds(lambda text, at: note(text, at=at), st.sampled_from("abc"), st.sampled_from([0, 1, "1", [1], {"x": 1}]))
)


@given(items=ITEMS, more=ITEMS)
def test_they_are_what_a_look_at_each_pair_gives(items: list[Any], more: list[Any]) -> None:
    new = [each for at, each in enumerate(more) if each not in items and each not in more[:at]]
    assert added(items, more) == items + new
    left = [each for each in items if each not in more and getattr(each, "text", None) not in more]
    assert removed(items, more) == left


@pytest.mark.parametrize(("one", "other"), [({"at": 1}, {"at": True}), ({"at": [0]}, {"at": [False]})])
def test_a_number_is_no_truth_value(one: dict[str, Any], other: dict[str, Any]) -> None:
    notes = [note("x", **one)], [note("x", **other)]
    assert added(*notes) == [*notes[0], *notes[1]]
    assert removed(*notes) == notes[0]


def test_the_order_of_members_does_not_matter_and_a_text_is_no_note_of_the_same_json() -> None:
    kept = note("x", a=1, b=2)
    assert added([kept], [note("x", b=2, a=1)]) == [kept]
    text = '["x", {"a": 1, "b": 2}]'
    assert added([kept], [text]) == [kept, text]


def test_many_notes_are_looked_up_and_not_compared_with_each_other() -> None:
    compared = 0

    class Counted(Note):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return super().__eq__(other)

        __hash__ = None  # type: ignore[assignment] # as a note's is not used

    notes = [note("x", Counted, at=number) for number in range(300)]
    more = [note("x", Counted, at=-number) for number in range(1, 300)]
    assert (len(added(notes, more)), len(removed(notes, more)), compared) == (599, 300, 0)
