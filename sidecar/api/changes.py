"""The change feed by polling: the same messages as the push channel's."""

from aiohttp import web

from sidecar.api.context import CONTEXT, PRINCIPAL
from sidecar.api.requests import json_answer, query, raw_answer
from sidecar.errors import CursorExpiredError
from sidecar.feed.log import SINCE_BEGINNING, Filter
from sidecar.models.base import Path, Value


class ChangesQuery(Value):
    """From where on, and of what.

    Attributes:
        since: A cursor of an earlier answer; ``beginning`` for all that is kept, ``now`` for only a cursor.
        topics: Kinds of records, separated by commas; all when empty.
        workspace_path: Only changes in this folder, where a change is in one.
    """

    since: str = SINCE_BEGINNING
    topics: str = ""
    workspace_path: Path | None = None

    def filter(self) -> Filter:
        """Return what is asked for."""
        return Filter(frozenset(topic for topic in self.topics.split(",") if topic), self.workspace_path)


async def list_since(request: web.Request) -> web.Response:
    """Answer the changes behind a cursor, and the cursor to ask with next; no changes means that there are no more."""
    asked = query(request, ChangesQuery)
    log, _ = request.app[CONTEXT].feed(request[PRINCIPAL].tenant_id)
    try:
        stamp = await log.position(asked.since)
        while moments := await log.after(stamp):
            message, stamp = log.message(moments, asked.filter())
            if message is not None:
                return raw_answer(message)
    except CursorExpiredError as error:
        return json_answer({"type": "reset", "cursor": error.details["cursor"]})
    return raw_answer(log.empty_message(stamp))
