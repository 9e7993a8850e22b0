import os
import stat
from collections.abc import Sequence
from itertools import islice
from uuid import UUID

import pytest

from sidecar.models.files import FileEntry, FileKind
from sidecar.repositories import keys
from sidecar.repositories.file_entries import Entries
from sidecar.watch.index_store import PagedCursor
from sidecar.watch.plan import Doubt, Gone, Look, Moves, Put, merge
from sidecar.watch.scanner import Kept, Run

IDS = [str(UUID(int=number)) for number in range(3)]
MODES: dict[FileKind, int] = {"file": stat.S_IFREG | 0o644, "symlink": stat.S_IFLNK, "unreadable": stat.S_IFREG}


def seen(
    *paths: bytes, size: int = 1, mtime_ns: int = 1, ctime_ns: int = 1, inode: int = 1, kind: FileKind = "file"
) -> Run:
    """Return a run of files whose stats are all the same."""
    times = {"st_mtime_ns": mtime_ns, "st_ctime_ns": ctime_ns}
    status = os.stat_result((MODES[kind], inode, 0, 1, 0, 0, size, 0, 0, 0), times)
    return Run(list(paths), [status] * len(paths), [kind] * len(paths))


def entry(
    path: bytes, *, identifier: str = IDS[0], inode: int = 1, checksum: bytes = b"c", kind: FileKind = "file",
    is_deleted: bool = False,
) -> FileEntry:  # fmt: skip
    return FileEntry(path, identifier, 1, 1, inode, checksum, kind, is_deleted, 1)


def look(run: Run, known: FileEntry | None) -> Look:
    return Look(run.seen(0), known)


class Index:
    """The index as the store gives it, which counts how often it is read."""

    def __init__(self, entries: Sequence[FileEntry]) -> None:
        self.entries = sorted(entries, key=lambda each: keys.path_order(each.path))
        self.reads = 0

    def page(self, under: bytes, after: bytes | None, limit: int) -> Entries:
        self.reads += 1
        behind = b"" if after is None else keys.path_order(after)
        below = (each for each in self.entries if each.path.startswith(under) and keys.path_order(each.path) > behind)
        return Entries.of(list(islice(below, limit)))


def merged(disk: Sequence[Run | Kept], index: Sequence[FileEntry], doubt: Doubt | None = None) -> list[Look | Gone]:
    return list(merge(disk, PagedCursor(Index(index).page, b""), doubt or Doubt()))


A, B, AX, AY, C = entry(b"a"), entry(b"b"), entry(b"a/x"), entry(b"a/y"), entry(b"c")
DELETED = entry(b"b", is_deleted=True)


@pytest.mark.parametrize(
    ("disk", "index", "steps"),
    [
        ([], [], []),
        ([seen(b"a")], [], [look(seen(b"a"), None)]),
        ([], [A], [Gone(A)]),
        ([seen(b"a")], [A], []),
        ([seen(b"a", b"b", b"c")], [A, B, C], []),
        ([seen(b"a", b"b", b"c")], [A, C], [look(seen(b"b"), None)]),
        ([seen(b"a", b"c")], [A, B, C], [Gone(B)]),
        ([seen(b"a", b"b")], [A, DELETED], [look(seen(b"b"), DELETED)]),
        ([seen(b"a", size=2)], [A], [look(seen(b"a", size=2), A)]),
        ([seen(b"a", mtime_ns=2)], [A], [look(seen(b"a", mtime_ns=2), A)]),
        ([seen(b"a", ctime_ns=2)], [A], [look(seen(b"a", ctime_ns=2), A)]),
        ([seen(b"a", inode=2)], [A], [look(seen(b"a", inode=2), A)]),
        ([seen(b"a", kind="symlink")], [A], [look(seen(b"a", kind="symlink"), A)]),
        ([seen(b"b")], [DELETED], [look(seen(b"b"), DELETED)]),
        ([], [DELETED], []),
        ([seen(b"a"), seen(b"c")], [B, C], [look(seen(b"a"), None), Gone(B)]),
        ([Kept(b"a/"), seen(b"b")], [AX, AY, B], []),
        ([Kept(b"a/")], [AX, AY, B], [Gone(B)]),
        ([seen(b"a"), Kept(b"a/")], [AX], [look(seen(b"a"), None)]),
        ([seen(b"a/x")], [A, AX], [Gone(A)]),
    ],
    ids=str,
)
def test_a_merge_yields_just_the_steps_that_are_needed(
    disk: list[Run | Kept], index: list[FileEntry], steps: list[Look | Gone]
) -> None:
    assert merged(disk, index) == steps


@pytest.mark.parametrize("doubt", [Doubt(paths=frozenset({b"b"})), Doubt(since_ns=2)], ids=["by path", "by time"])
def test_a_doubted_file_is_read_although_its_stat_is_the_same(doubt: Doubt) -> None:
    young = seen(b"b", mtime_ns=2)
    known = B._replace(mtime_ns=2)
    assert merged([seen(b"a"), young], [A, known], doubt) == [look(young, known)]


def test_long_runs_are_compared_across_pages_and_beyond_the_longest() -> None:
    names = [b"%05d" % number for number in range(5_000)]
    index = [entry(name) for name in names]
    for count in (1, 63, 64, 65, 1_999, 2_001, 5_000):
        runs = [seen(*names[at : at + count]) for at in range(0, len(names), count)]
        assert merged(runs, index) == []
        assert merged(runs, index[:-1]) == [look(seen(names[-1]), None)]


def test_a_kept_folder_with_a_long_name_keeps_all_that_is_below_it() -> None:
    deep = b"d" * 230 + b"/"
    below = [entry(deep + b"%d" % number) for number in range(9)]
    beside = entry(b"d" * 240)
    assert merged([Kept(deep)], [*below, beside]) == [Gone(beside)]


def test_a_kept_folder_is_skipped_without_reading_its_pages() -> None:
    index = Index([*(entry(b"a/%05d" % number) for number in range(10_000)), B])
    assert list(merge([Kept(b"a/")], PagedCursor(index.page, b""), Doubt())) == [Gone(B)]
    assert index.reads == 2


def test_a_file_that_goes_and_comes_keeps_its_id_in_either_order() -> None:
    old, new = entry(b"old", identifier=IDS[1]), entry(b"new", identifier="")
    put = Put(new._replace(id=IDS[1]), old)
    moves = Moves()
    assert list(moves.gone(old)) == []
    assert list(moves.come(new, hold=True)) == [put]
    assert list(moves.come(new, hold=True)) == []
    assert list(moves.gone(old)) == [put]
    assert list(moves.finish()) == []


def test_what_went_in_an_earlier_comparison_is_still_known() -> None:
    old, new = entry(b"old", identifier=IDS[1]), entry(b"new", identifier="")
    moves = Moves()
    assert list(moves.gone(old)) == []
    assert list(moves.finish()) == [Gone(old)]
    assert list(moves.come(new, hold=False)) == [Put(new._replace(id=IDS[1]), old._replace(is_deleted=True))]
    assert list(moves.come(new, hold=False)) == [Put(new)]


@pytest.mark.parametrize(
    "other", [entry(b"new", identifier="", inode=2), entry(b"new", identifier="", checksum=b"d")], ids=str
)
def test_another_inode_or_content_is_another_file(other: FileEntry) -> None:
    moves = Moves()
    assert list(moves.gone(A)) == []
    assert list(moves.come(other, hold=True)) == []
    assert list(moves.finish()) == [Gone(A), Put(other)]


def test_past_the_bound_a_move_is_a_deletion_and_a_creation() -> None:
    moves = Moves(held_max=2)
    gone = [entry(b"%d" % number, inode=number + 1) for number in range(3)]
    assert [list(moves.gone(each)) for each in gone] == [[], [], [Gone(gone[0])]]
    come = [entry(b"n%d" % number, identifier="", inode=number + 10) for number in range(3)]
    assert [list(moves.come(each, hold=True)) for each in come] == [[], [], [Put(come[0])]]


def test_a_comparison_that_is_given_up_leaves_nothing_held() -> None:
    moves = Moves()
    assert list(moves.gone(A)) == []
    moves.forget()
    assert list(moves.finish()) == []
