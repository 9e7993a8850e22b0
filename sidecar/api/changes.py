"""The change feed by polling: the same messages as the push channel's."""

import asyncio
from contextlib import suppress
from typing import Annotated

from aiohttp import web
from pydantic import Field

from sidecar import limits
from sidecar.api.context import CONTEXT, PRINCIPAL, Context
from sidecar.api.folders import FolderPath
from sidecar.api.requests import json_answer, query, raw_answer
from sidecar.errors import CursorExpiredError
from sidecar.feed.hub import Hub
from sidecar.feed.log import SINCE_BEGINNING, Filter, Moment
from sidecar.models.base import Value


class ChangesQuery(Value):
    """From where on, and of what.

    Attributes:
        since: A cursor of an earlier answer; ``beginning`` for all that is kept, ``now`` for only a cursor.
        topics: Kinds of records, separated by commas; all when empty.
        workspace_path: Only changes in this folder, where a change is in one.
        wait: Seconds to wait for a change when there is none yet (long poll).
    """

    since: str = SINCE_BEGINNING
    topics: str = ""
    workspace_path: FolderPath | None = None
    wait: Annotated[float, Field(ge=0, le=limits.long_poll_seconds_max)] = 0.0

    def filter(self) -> Filter:
        """Return what is asked for."""
        return Filter(frozenset(topic for topic in self.topics.split(",") if topic), self.workspace_path)


async def list_since(request: web.Request) -> web.Response:
    """Answer the changes behind a cursor, and the cursor to ask with next; none at once unless ``wait`` says so."""
    asked, context = query(request, ChangesQuery), request.app[CONTEXT]
    until = context.database.clock.monotonic() + asked.wait
    try:
        if asked.since == SINCE_BEGINNING:
            with suppress(CursorExpiredError):  # a trim came between two reads: all that is kept is less now
                return raw_answer(await _message(request, asked, until))
        return raw_answer(await _message(request, asked, until))
    except CursorExpiredError as error:
        return json_answer({"type": "reset", "cursor": error.details["cursor"]})


async def _message(request: web.Request, asked: ChangesQuery, until: float) -> bytes:
    """Return the first changes that are wanted, or that there are none when the time is over, or the daemon stops."""
    context, principal = request.app[CONTEXT], request[PRINCIPAL]
    log, hub = context.feed(principal.tenant_id)
    stamp = await log.position(asked.since)
    moments = await log.after(stamp)
    while True:
        while moments:
            message, stamp = log.message(moments, asked.filter())
            if message is not None:
                return message
            moments = [moment for moment in moments if moment.stamp > stamp] or await log.after(stamp)
        seconds = until - context.database.clock.monotonic()
        if seconds <= 0 or context.draining.is_set():
            return log.empty_message(stamp)
        moments = await _news(hub, stamp, context, seconds)
        await context.callers.check(principal)  # it may have ended meanwhile


async def _news(hub: Hub, stamp: bytes, context: Context, seconds: float) -> list[Moment]:
    """Return what comes behind ``stamp``; nothing when the time is over, or the daemon stops."""
    news, stopping = asyncio.ensure_future(hub.after(stamp)), asyncio.ensure_future(context.draining.wait())
    try:
        await asyncio.wait((news, stopping), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return news.result() if news.done() else []
    finally:
        news.cancel()
        stopping.cancel()
        await asyncio.gather(news, stopping, return_exceptions=True)
