"""Export and import: what ``sidecar sessions export`` and ``import`` write and read, as it comes, of any size."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sidecar import limits
from sidecar.cli.outputs import written_whole
from sidecar.cli.progress import Bar
from sidecar.cli.records import CONVERSATION, SESSION, full_id
from sidecar.cli.talk import size_text
from sidecar.services.transfer import HEADING, Kind, Line

if TYPE_CHECKING:
    from sidecar.client import Client, JsonObject


async def export(daemon: "Client", sessions: Sequence[str], into: BinaryIO, *, everybody: bool) -> int:
    """Write an export and return how many records it holds.

    Args:
        sessions: Only these, with the conversations that belong to them; all records when empty.
        everybody: Of the whole tenant.
    """
    lines = _of_sessions(daemon, sessions) if sessions else _of_all(daemon, everybody=everybody)
    records, size = -1, 0  # the heading is none
    with Bar("Exporting") as bar:
        async with aclosing(lines):
            async for chunk in lines:
                into.write(chunk)
                records, size = records + chunk.count(b"\n"), size + len(chunk)
                bar.move(0, None, f"{max(records, 0):,} records, {size_text(size)}")
    into.flush()
    return records


async def _of_all(daemon: "Client", *, everybody: bool) -> AsyncGenerator[bytes]:
    asked = {"everybody": "true"} if everybody else {}
    async with aclosing(daemon.download("/api/v5/export", asked)) as chunks:
        async for chunk in chunks:
            yield chunk


async def _of_sessions(daemon: "Client", given: Sequence[str]) -> AsyncGenerator[bytes]:
    """Yield the lines of an export of some sessions, then of their conversations, each with its messages."""
    identifiers = dict.fromkeys([await full_id(daemon, SESSION, each) for each in given])
    yield HEADING.to_json() + b"\n"
    conversations: dict[str, None] = {}
    for identifier in identifiers:
        session = await daemon.request("GET", f"{SESSION.path}/{identifier}")
        yield _line("sessions", session)
        async for each in daemon.pages(CONVERSATION.path, {"workspace_session_id": identifier}):
            conversations[each["id"]] = None
        if session["conversation_id"] is not None:
            conversations[session["conversation_id"]] = None
    for identifier in conversations:
        path = f"{CONVERSATION.path}/{identifier}"
        conversation = await daemon.request("GET", path, params={"limit": "1"})
        del conversation["messages"]
        yield _line("conversations", conversation)
        async for message in daemon.pages(f"{path}/messages", {"limit": str(limits.page_items_max)}):
            yield _line("messages", message)


def _line(kind: Kind, record: "JsonObject") -> bytes:
    return Line(kind=kind, record=record).to_json() + b"\n"


async def take(daemon: "Client", source: BinaryIO, *, everybody: bool) -> "JsonObject":
    """Send an export to the daemon and return how many records of each kind it has stored and replaced."""
    asked = {"everybody": "true"} if everybody else {}
    with Bar("Importing") as bar:
        return await daemon.upload("/api/v5/import", _chunks(source, bar), asked)


async def _chunks(source: BinaryIO, bar: Bar) -> AsyncIterator[bytes]:
    total = os.fstat(source.fileno()).st_size or None
    sent = 0
    while chunk := await asyncio.to_thread(source.read, limits.transfer_read_bytes):
        yield chunk
        sent += len(chunk)
        bar.move(sent, total, f"{size_text(sent)} sent")


@contextmanager
def written_to(path: Path | None, *, replace: bool) -> Iterator[BinaryIO]:
    """Yield where an export goes: a file, or standard output."""
    if path is None:
        yield sys.stdout.buffer
        return
    with written_whole(path, replace=replace) as file:
        yield file
