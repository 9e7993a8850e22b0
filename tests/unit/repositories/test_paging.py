"""Pages of what passes a filter: full, and no more of the list is read than is allowed."""

import pytest

from sidecar.repositories.paging import Page, filtered


class Numbers:
    """A list of numbers that counts its pages."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.pages = 0

    def read(self, *, cursor: str | None, limit: int) -> Page[int]:
        self.pages += 1
        begin = int(cursor or 0)
        behind = min(begin + limit, self.end)
        return Page(list(range(begin, behind)), str(behind) if behind < self.end else None)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_pages_of_a_filter_hold_each_item_once(step: int) -> None:
    numbers, found = Numbers(50), list[int]()
    cursor: str | None = "0"
    while cursor is not None:
        page = filtered(numbers.read, lambda number: number % step == 0, cursor=cursor, limit=4)
        assert len(page.items) == 4 or page.next_cursor is None
        found += page.items
        cursor = page.next_cursor
    assert found == list(range(0, 50, step))


def test_a_filter_reads_nothing_behind_a_page_that_is_short_for_its_bytes() -> None:
    numbers = Numbers(100)

    def cut(*, cursor: str | None, limit: int) -> Page[int]:
        return numbers.read(cursor=cursor, limit=min(limit, 3))

    assert filtered(cut, lambda number: number > 3, cursor=None, limit=5) == Page([4, 5], "6")
    assert numbers.pages == 2


def test_a_filter_that_passes_little_answers_a_short_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.limits.page_reads_max", 3)
    numbers = Numbers(100)
    assert filtered(numbers.read, lambda number: number == 1, cursor=None, limit=5) == Page([1], "13")
    assert numbers.pages == 3
