from collections.abc import Sequence

import pytest

from sidecar.models.files import FileEntry, FileKind
from sidecar.repositories import keys
from sidecar.watch.index_store import PagedCursor
from sidecar.watch.plan import Gone, Look, Moves, Put, merge
from sidecar.watch.scanner import Kept, Seen


def seen(
    path: bytes, *, size: int = 1, mtime_ns: int = 1, ctime_ns: int = 1, inode: int = 1, kind: FileKind = "file"
) -> Seen:
    return Seen(path, size, mtime_ns, ctime_ns, inode, kind)


def entry(
    path: bytes, *, identifier: str = "id", inode: int = 1, checksum: bytes = b"c", kind: FileKind = "file",
    is_deleted: bool = False,
) -> FileEntry:  # fmt: skip
    return FileEntry(path, identifier, 1, 1, inode, checksum, kind, is_deleted, 1)


def cursor(entries: Sequence[FileEntry]) -> PagedCursor:
    ordered = sorted(entries, key=lambda each: keys.path_order(each.path))

    def page(under: bytes, after: FileEntry | None, limit: int) -> list[FileEntry]:
        start = b"" if after is None else keys.path_order(after.path)
        below = [each for each in ordered if each.path.startswith(under)]
        return [each for each in below if after is None or keys.path_order(each.path) > start][:limit]

    return PagedCursor(page, b"")


def never(_seen: Seen) -> bool:
    return False


A, B, AX, AY, C = entry(b"a"), entry(b"b"), entry(b"a/x"), entry(b"a/y"), entry(b"c")
DELETED = entry(b"b", is_deleted=True)


@pytest.mark.parametrize(
    ("disk", "index", "steps"),
    [
        ([], [], []),
        ([seen(b"a")], [], [Look(seen(b"a"), None)]),
        ([], [A], [Gone(A)]),
        ([seen(b"a")], [A], []),
        ([seen(b"a", size=2)], [A], [Look(seen(b"a", size=2), A)]),
        ([seen(b"a", mtime_ns=2)], [A], [Look(seen(b"a", mtime_ns=2), A)]),
        ([seen(b"a", ctime_ns=2)], [A], [Look(seen(b"a", ctime_ns=2), A)]),
        ([seen(b"a", inode=2)], [A], [Look(seen(b"a", inode=2), A)]),
        ([seen(b"a", kind="symlink")], [A], [Look(seen(b"a", kind="symlink"), A)]),
        ([seen(b"b")], [DELETED], [Look(seen(b"b"), DELETED)]),
        ([], [DELETED], []),
        ([seen(b"a"), seen(b"c")], [B, C], [Look(seen(b"a"), None), Gone(B)]),
        ([Kept(b"a/"), seen(b"b")], [AX, AY, B], []),
        ([Kept(b"a/")], [AX, AY, B], [Gone(B)]),
        ([seen(b"a"), Kept(b"a/")], [AX], [Look(seen(b"a"), None)]),
    ],
    ids=str,
)
def test_a_merge_yields_just_the_steps_that_are_needed(
    disk: list[Seen | Kept], index: list[FileEntry], steps: list[Look | Gone]
) -> None:
    assert list(merge(disk, cursor(index), never)) == steps


def test_a_doubted_file_is_read_although_its_stat_is_the_same() -> None:
    assert list(merge([seen(b"a")], cursor([A]), lambda _seen: True)) == [Look(seen(b"a"), A)]


def test_a_kept_folder_with_a_long_name_keeps_all_that_is_below_it() -> None:
    deep = b"d" * 230 + b"/"
    below = [entry(deep + b"%d" % number) for number in range(9)]
    beside = entry(b"d" * 240)
    assert list(merge([Kept(deep)], cursor([*below, beside]), never)) == [Gone(beside)]


def test_a_kept_folder_is_skipped_without_reading_its_pages() -> None:
    reads: list[FileEntry | None] = []
    below = [entry(b"a/%05d" % number) for number in range(10_000)]
    source = cursor([*below, B])
    inner = source._page  # noqa: SLF001 - counts what is read

    def counted(under: bytes, after: FileEntry | None, limit: int) -> list[FileEntry]:
        reads.append(after)
        return inner(under, after, limit)

    source._page = counted  # noqa: SLF001 - the same
    assert list(merge([Kept(b"a/")], source, never)) == [Gone(B)]
    assert len(reads) == 2


def test_a_file_that_goes_and_comes_keeps_its_id_in_either_order() -> None:
    old, new = entry(b"old", identifier="1"), entry(b"new", identifier="")
    put = Put(new._replace(id="1"), old)
    moves = Moves()
    assert list(moves.gone(old)) == []
    assert list(moves.come(new, hold=True)) == [put]
    assert list(moves.come(new, hold=True)) == []
    assert list(moves.gone(old)) == [put]
    assert list(moves.finish()) == []


def test_what_went_in_an_earlier_comparison_is_still_known() -> None:
    old, new = entry(b"old", identifier="1"), entry(b"new", identifier="")
    moves = Moves()
    assert list(moves.gone(old)) == []
    assert list(moves.finish()) == [Gone(old)]
    assert list(moves.come(new, hold=False)) == [Put(new._replace(id="1"), old)]
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
