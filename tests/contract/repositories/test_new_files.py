"""The quick way of writing new files writes what the long way would."""

from collections.abc import Iterable
from functools import partial
from pathlib import PurePosixPath

import pytest

from sidecar.models.files import FileEntry, FileKind
from sidecar.repositories import codec
from sidecar.repositories.changes import Changes
from sidecar.repositories.files import Files
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Database, Reading, Writing
from tests.contract.repositories.samples import an_id

PATHS = [b"a", b"a b/c.py", b"100%.txt", "é/ü.tar.gz".encode(), b'quo"te', b"back\\slash", b"line\nfeed", b"\xff\xfe"]
PATHS += [b"x" * 200 + b"/" + b"y" * 100, b"del\x7f", "\u2028".encode(), b"%(id)b", b"/".join([b"d"] * 40)]
KINDS: list[tuple[FileKind, bytes]] = [("file", b"\x07" * 32), ("symlink", b"\x08" * 32), ("unreadable", b"")]


def stored(tr: Reading, keys: Iterable[bytes]) -> dict[bytes, bytes | None]:
    return {key: tr.kv.get(key) for key in keys}


@pytest.mark.parametrize("session_id", [None, an_id(77)], ids=["no session", "in a session"])
async def test_new_files_are_written_as_create_writes_them(
    database: Database, tenant: TenantKeys, session_id: str | None
) -> None:
    files = Files(tenant)
    workspace_path = '/work/100% "quoted"'
    entries = [
        FileEntry(path + kind.encode(), "", number, -number, number, checksum, kind, is_deleted=False, ctime_ns=number)
        for number, path in enumerate(PATHS)
        for kind, checksum in KINDS
    ]

    def write(tr: Writing) -> None:
        files.put_entries(tr, workspace_path, entries, [], session_id=session_id)

    await database.transact(write)
    found = await database.read(lambda tr: files.list_entries(tr, workspace_path, limit=1000))
    assert sorted(entry._replace(id="") for entry in found) == sorted(entries)
    rows = await database.read(lambda tr: Changes(tenant).after(tr, b"\x00" * 12))
    told = {change.id: change for row in rows for change in row.changes if change.kind == "files"}
    for entry in found:
        record = await database.read(lambda tr, entry=entry: files.get(tr, entry.id))  # type: ignore[misc] # mypy: a lambda's default
        raw = await database.read(lambda tr, entry=entry: tr.kv.get(files.key(entry.id)))  # type: ignore[misc] # the same
        assert raw == codec.encode(record)
        assert record.entry() == entry
        assert record.workspace_session_id == session_id
        expected = {key: value for index in files.indexes for key, value in files.entries(index, record).items()}
        assert expected == await database.read(partial(stored, keys=expected))
        if entry.kind == "file" and PurePosixPath(record.file_path).suffix == "":
            assert record.mime_type == "application/octet-stream"
        change = told[entry.id]
        assert (change.op, change.version, change.hint) == ("created", 1, files.hint(record))


async def test_many_at_once_find_the_ones_that_are_there_and_the_ones_named_twice(
    database: Database, tenant: TenantKeys
) -> None:
    files = Files(tenant)

    def entry(number: int, size: int) -> FileEntry:
        return FileEntry(b"f%03d" % number, "", size, 1, number, b"\x07" * 32, "file", is_deleted=False, ctime_ns=1)

    first = [entry(number, 1) for number in range(0, 200, 2)]
    again = [entry(number, 2) for number in range(50, 150)]
    for seen in (first, [*again, *again], [entry(number, 3) for number in range(300, 400)]):
        await database.transact(partial(put_all, files=files, seen=seen))
    found = await database.read(lambda tr: files.list_entries(tr, "/w", limit=1000))

    assert len({each.id for each in found}) == len(found)
    expected = {each.path: each.size for each in first} | {each.path: 2 for each in again}
    assert {each.path: each.size for each in found if each.size < 3} == expected
    assert len(found) == len(expected) + 100


def put_all(tr: Writing, files: Files, seen: list[FileEntry]) -> None:
    files.put_entries(tr, "/w", seen, [])
