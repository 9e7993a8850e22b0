"""The change feed by polling: the same messages as the push channel's."""

import asyncio
from contextlib import nullcontext, suppress
from typing import Annotated

from aiohttp import web
from pydantic import Field

from sidecar import limits
from sidecar.api.connections import Connection
from sidecar.api.context import CALLER, CONTEXT, CROWD
from sidecar.api.folders import FolderPath
from sidecar.api.requests import in_real_folder, json_answer, query, raw_answer
from sidecar.errors import CursorExpiredError, InvalidError
from sidecar.feed.hub import Hub
from sidecar.feed.log import SINCE_BEGINNING, TOPICS, Filter, Moment
from sidecar.models.base import Value


class ChangesQuery(Value):
    """From where on, and of what.

    Attributes:
        since: A cursor of an earlier answer; ``beginning`` for all that is kept, ``now`` for only a cursor.
        topics: Kinds of records, separated by commas; all when empty.
        workspace_path: Only changes in this folder, where a change is in one.
        wait: Seconds to wait for a change when there is none yet (long poll); no longer than the token is good for.
    """

    since: str = SINCE_BEGINNING
    topics: str = ""
    workspace_path: FolderPath | None = None
    wait: Annotated[float, Field(ge=0, le=limits.long_poll_seconds_max)] = 0.0

    def filter(self) -> Filter:
        """Return what is asked for.

        Raises:
            InvalidError: There is no such topic.
        """
        topics = frozenset(topic for topic in self.topics.split(",") if topic)
        if not topics <= TOPICS:
            raise InvalidError(
                f"There is no topic {min(topics - TOPICS)[:64]!r}; topics are {', '.join(sorted(TOPICS))}."
            )
        return Filter(topics, self.workspace_path)


async def list_since(request: web.Request) -> web.Response:
    """Answer the changes behind a cursor, and the cursor to ask with next; none at once unless ``wait`` says so."""
    asked = await in_real_folder(request, query(request, ChangesQuery))
    clock = request.app[CONTEXT].database.clock
    token_seconds = (request[CALLER].principal.expires_at_ms - clock.now_ms()) / 1000
    until = clock.monotonic() + min(asked.wait, token_seconds)
    with request.app[CROWD].poll() if asked.wait else nullcontext():
        return await _answer(request, asked, until)


async def _answer(request: web.Request, asked: ChangesQuery, until: float) -> web.Response:
    try:
        if asked.since == SINCE_BEGINNING:
            with suppress(CursorExpiredError):  # a trim came between two reads: all that is kept is less now
                return raw_answer(await _message(request, asked, until))
        return raw_answer(await _message(request, asked, until))
    except CursorExpiredError as error:
        return json_answer({"type": "reset", "cursor": error.details["cursor"]})


async def _message(request: web.Request, asked: ChangesQuery, until: float) -> bytes:
    """Return the first changes that are wanted, or that there are none when the time is over, or the daemon stops."""
    context, principal, wanted = request.app[CONTEXT], request[CALLER].principal, asked.filter()
    log, hub = context.feed(principal.tenant_id)
    stamp = await log.position(asked.since)
    moments = await log.after(stamp)
    while True:
        while moments:
            message, stamp = log.message(moments, wanted)
            if message is not None:
                return message
            moments = [moment for moment in moments if moment.stamp > stamp] or await log.after(stamp)
        seconds = until - context.database.clock.monotonic()
        if seconds <= 0 or context.draining.is_set():
            return log.empty_message(stamp)
        moments = await _news(request, hub, stamp, seconds)
        await context.callers.check(principal)  # it may have ended meanwhile


async def _news(request: web.Request, hub: Hub, stamp: bytes, seconds: float) -> list[Moment]:
    """Return what comes behind ``stamp``; nothing when the time is over, or the daemon stops.

    Raises:
        ConnectionResetError: The client has left.
    """
    connection, draining = request.protocol, request.app[CONTEXT].draining
    assert isinstance(connection, Connection)  # noqa: S101 - the server makes no others
    news, stopping = asyncio.ensure_future(hub.after(stamp)), asyncio.ensure_future(draining.wait())
    left = connection.left()
    try:
        await asyncio.wait((news, stopping, left), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if left.done():
            raise ConnectionResetError
        return news.result() if news.done() else []
    finally:
        for each in (news, stopping, left):
            each.cancel()
        await asyncio.gather(news, stopping, left, return_exceptions=True)
