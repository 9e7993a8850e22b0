"""A watched folder is compared with an index that is wrong in every way; the test writes that index itself."""

import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar import errors, limits
from sidecar.cli.progress import Bar
from sidecar.cli.verifying import Verified, verify
from sidecar.client import Client, connect
from sidecar.models.files import FileEntry
from sidecar.models.workspaces import Workspace
from sidecar.repositories.files import Files
from sidecar.repositories.transactions import Writing
from sidecar.repositories.workspaces import Workspaces
from sidecar.watch.hasher import Job, read_file
from tests.integration.house import House, running_house

ODD = os.fsdecode(b"odd-\xff-name")
LONG = "/".join(["x" * 100] * 4)


class Bench:
    """A folder that the store says is watched, and that nobody watches."""

    def __init__(self, house: House, client: Client, root: Path, tenant_id: str) -> None:
        self.root = root
        self._client = client
        self._database = house.context.database
        self._keys = house.context.database.keyspace.tenant(tenant_id)

    async def index(self, *entries: FileEntry) -> None:
        """Write entries of the index; those of all files that are there by default."""
        chosen = entries or [
            self.entry(str(each.relative_to(self.root))) for each in self.root.rglob("*") if is_file(each)
        ]

        def body(tr: Writing) -> None:
            workspaces = Workspaces(self._keys)
            if not workspaces.list_all(tr, limit=1).items:
                workspaces.create(
                    tr, Workspace.new(tenant_id=self._keys.tenant_id, path=str(self.root), now_ms=tr.now_ms)
                )
            Files(self._keys).put_entries(tr, str(self.root), list(chosen), [])

        await self._database.transact(body)

    def entry(self, name: str) -> FileEntry:
        """Return what a right index says of a file."""
        entry = read_file(Job(os.fsencode(self.root), threading.Event()), os.fsencode(name), lambda: 0).entry
        assert entry is not None
        return entry

    async def verify(self) -> Verified:
        [workspace] = [each async for each in self._client.pages("/api/v5/workspaces")]
        with Bar("Verifying") as bar:
            return await verify(self._client, workspace, bar)

    async def found(self) -> dict[str, str]:
        return {each.path: each.what for each in (await self.verify()).differences}


def is_file(path: Path) -> bool:
    return path.is_symlink() or not path.is_dir()


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr("sidecar.limits.verify_second_look_seconds", 0.0)
    root = tmp_path / "workspace"
    for name in ("a.txt", "folder/b.txt", "folder/deeper/c.txt", "folder-b.txt", ODD, f"{LONG}/d.txt", f"{LONG}/e.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name!a}", encoding="utf-8")
    (root / "link").symlink_to("a.txt")
    (root / ".sidecarignore").write_text("*.tmp\n", encoding="utf-8")
    (root / "scratch.tmp").write_text("not of interest", encoding="utf-8")
    async with running_house(tmp_path) as house, connect([tmp_path / "home" / "run"]) as client:
        me = await client.request("GET", "/api/v5/users/me")
        yield Bench(house, client, root, me["tenant_id"])


async def without_the_ignored(bench: Bench) -> None:
    (bench.root / "scratch.tmp").unlink()
    await bench.index()
    (bench.root / "scratch.tmp").write_text("again", encoding="utf-8")


async def test_a_right_index_has_no_difference_and_what_is_ignored_is_none(bench: Bench) -> None:
    await without_the_ignored(bench)
    verified = await bench.verify()
    assert (verified.files, list(verified.differences), list(verified.warnings)) == (9, [], [])


async def test_each_difference_is_found_and_nothing_else(bench: Bench) -> None:
    await without_the_ignored(bench)
    root = bench.root
    (root / "a.txt").write_text("changed", encoding="utf-8")
    (root / "folder" / "b.txt").unlink()
    (root / "new.txt").write_text("new", encoding="utf-8")
    (root / ODD).unlink()
    (root / LONG / "d.txt").rename(root / LONG / "f.txt")
    (root / "link").unlink()
    (root / "link").write_text("no link any more", encoding="utf-8")
    (root / "folder-b.txt").touch()  # later, and the same
    assert await bench.found() == {
        "a.txt": "changed",
        "folder/b.txt": "missing",
        "new.txt": "unindexed",
        "odd-\\xff-name": "missing",
        f"{LONG}/d.txt": "missing",
        f"{LONG}/f.txt": "unindexed",
        "link": "changed",
    }


async def test_a_content_that_changed_behind_an_unchanged_stat_is_found(bench: Bench) -> None:
    await without_the_ignored(bench)
    entry = bench.entry("a.txt")
    await bench.index(entry._replace(checksum=bytes(32)))
    [difference] = (await bench.verify()).differences
    assert (difference.what, difference.path, difference.path_bytes) == ("changed", "a.txt", None)
    assert (difference.indexed, difference.found) == ("00" * 32, entry.checksum.hex())


async def test_a_name_that_is_not_utf_8_is_told_exactly(bench: Bench) -> None:
    await bench.index(bench.entry("a.txt"))
    found = {each.path: each for each in (await bench.verify()).differences}
    assert found["odd-\\xff-name"].path_bytes == "b2RkLf8tbmFtZQ=="
    assert (found["odd-\\xff-name"].what, found["odd-\\xff-name"].indexed) == ("unindexed", "")


async def test_many_files_are_compared_page_by_page(bench: Bench) -> None:
    for number in range(limits.page_items_max + 10):
        (bench.root / f"many-{number:04}.txt").write_text(str(number), encoding="utf-8")
    await without_the_ignored(bench)
    (bench.root / "many-0003.txt").unlink()
    (bench.root / "many-1003.txt").unlink()
    assert await bench.found() == {"many-0003.txt": "missing", "many-1003.txt": "missing"}


async def test_a_folder_that_is_gone_is_not_a_folder_whose_files_are_all_missing(bench: Bench) -> None:
    await without_the_ignored(bench)
    bench.root.rename(bench.root.with_name("away"))
    with pytest.raises(errors.UnavailableError, match="is not there"):
        await bench.verify()
