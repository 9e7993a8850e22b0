"""A client that knows the files only by the change feed, to be compared with the index."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from sidecar.client import Client, connect
from tests.e2e.daemons import eventually


def raw_path(fields: Mapping[str, Any]) -> bytes:
    """Return the exact bytes of a file's path, from its record or from a change's hint."""
    if fields.get("path_bytes"):
        return base64.b64decode(fields["path_bytes"])
    return str(fields["file_path"]).encode()


async def index_of(client: Client, workspace: Path) -> dict[bytes, str]:
    """Return path and checksum of every file that the daemon lists."""
    asked = {"workspace_path": str(workspace), "limit": "1000"}
    files = [file async for file in client.pages("/api/v5/files", asked)]
    index = {raw_path(file): str(file["checksum"]) for file in files}
    assert len(index) == len(files), "a path is listed twice"
    return index


async def every_change(client: Client) -> list[tuple[str, int]]:
    """Return what the log holds of files from its beginning."""
    seen: list[tuple[str, int]] = []
    cursor = "beginning"
    while True:
        page = await client.request("GET", "/api/v5/changes", params={"since": cursor, "topics": "files"})
        if not page["changes"]:
            return seen
        seen += [(change["id"], change["version"]) for change in page["changes"]]
        cursor = page["cursor"]


class Replica:
    """Replays changes, and fails at one that comes twice, is left out, or comes out of order."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.versions: dict[str, int] = {}
        self.seen: list[tuple[str, int]] = []
        self.is_subscribed = False
        self.failure: BaseException | None = None

    @property
    def index(self) -> dict[bytes, str]:
        """Path and checksum of every file, by what was heard."""
        return dict(self.files.values())

    def apply(self, message: Mapping[str, Any]) -> None:
        """Take one message of the daemon."""
        assert message["type"] != "reset", "the daemon could not continue from our cursor"
        self.is_subscribed = True
        for change in message.get("changes", ()):
            if change["kind"] == "files":
                self._apply_change(change)

    def _apply_change(self, change: Mapping[str, Any]) -> None:
        identity, version = change["id"], change["version"]
        assert version == self.versions.get(identity, 0) + 1, f"{change} after version {self.versions.get(identity)}"
        self.versions[identity] = version
        self.seen.append((identity, version))
        if change["op"] == "deleted":
            del self.files[identity]
        else:
            self.files[identity] = (raw_path(change["hint"]), change["hint"]["checksum"])

    async def follow(self, folders: Sequence[Path]) -> None:
        """Listen from the beginning, across restarts of the daemon, until cancelled."""
        try:
            async with connect(folders) as client, aclosing(client.events(["files"], since="beginning")) as messages:
                async for message in messages:
                    self.apply(message)
        except Exception as error:
            self.failure = error
            raise

    def has_more_than(self, count: int) -> bool:
        """Tell whether more than so many changes were heard."""
        assert self.failure is None, self.failure
        return len(self.seen) > count

    def equals(self, index: Mapping[bytes, str]) -> bool:
        """Tell whether what was heard so far amounts to an index."""
        assert self.failure is None, self.failure
        return self.index == index


@asynccontextmanager
async def listening(folders: Sequence[Path]) -> AsyncIterator[Replica]:
    """Yield a replica that follows the daemon while the block runs, once it has subscribed."""
    replica = Replica()
    task = asyncio.ensure_future(replica.follow(folders))
    try:
        await eventually(lambda: replica.is_subscribed or task.done(), "the replica has subscribed")
        yield replica
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
    assert replica.failure is None, replica.failure
