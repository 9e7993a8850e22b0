"""Which names of linked files are known, and when the index is asked for the others."""

from sidecar import limits
from sidecar.models.files import FileEntry
from sidecar.repositories.file_entries import Entries
from sidecar.watch.links import Links

ID = "00000000-0000-7000-8000-000000000001"


def entry(path: bytes, inode: int = 7, checksum: bytes = b"old", *, deleted: bool = False) -> FileEntry:
    return FileEntry(path, ID, 1, 1, inode, checksum, "file", deleted, 1)


def index(*entries: FileEntry) -> list[Entries]:
    return [Entries.of([each]) for each in entries]


def test_a_new_name_has_the_index_asked_for_the_others() -> None:
    links = Links()
    links.note(7, b"b")
    links.seek(entry(b"b", checksum=b"new"), 2, is_new=True)
    assert links.is_due(0.0)
    known = index(entry(b"a"), entry(b"b", checksum=b"new"), entry(b"c", deleted=True), entry(b"d", 8))
    assert links.find(known) == [b"a"]
    assert links.others(7, b"b") == [b"a"]


def test_the_index_is_asked_once_for_a_file_whose_other_names_are_elsewhere() -> None:
    links = Links()
    links.note(7, b"b")
    links.seek(entry(b"b"), 3, is_new=False)
    assert links.find(index(entry(b"b"))) == []
    links.seek(entry(b"b", checksum=b"new"), 3, is_new=False)
    assert links.seconds_left(0.0) is None


def test_however_many_files_come_the_index_is_asked_now_and_then() -> None:
    links = Links()
    links.rest(100.0, 0.5)
    for number in range(1_000):
        links.seek(entry(b"%d" % number, number + 1), 2, is_new=True)
    wait = 0.5 * limits.links_sought_pauses
    assert not links.is_due(100.0)
    assert links.seconds_left(100.0) == wait
    assert links.is_due(100.0 + wait)
    assert links.find([]) == []
    assert not links.is_due(100.0 + wait)


def test_an_inode_that_another_file_has_now_is_another_files() -> None:
    links = Links()
    links.note(7, b"old")
    links.note(7, b"older")
    links.note_single(7)
    links.note(7, b"b")
    links.seek(entry(b"b"), 2, is_new=False)
    assert links.is_due(0.0)
    assert links.find(index(entry(b"a", checksum=b"other"))) == [b"a"]


def test_a_name_that_has_gone_is_not_counted() -> None:
    links = Links()
    links.note(7, b"b")
    links.note(7, b"c")
    links.drop(7, b"b")
    links.seek(entry(b"c"), 2, is_new=False)
    assert links.is_due(0.0)
    assert links.others(7, b"c") == []
