"""Search over what the caller may read: session names, tags, facts and decisions, conversations, messages."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.owners import READ_ALL
from sidecar.api.requests import page_answer, query, tenant_of
from sidecar.errors import InvalidError
from sidecar.models.base import Id, Value
from sidecar.search.file import Hit, Wanted
from sidecar.search.text import terms_of

Kind = Literal["sessions", "conversations", "messages"]


class SearchQuery(Value):
    """What to look for: words that must all be there; the last may be the beginning of one.

    Attributes:
        kind: Only records of this kind.
        cursor: The ``next_cursor`` of an earlier answer.
    """

    q: Annotated[str, StringConstraints(max_length=limits.search_query_chars_max)]
    kind: Kind | None = None
    limit: Annotated[int, Field(ge=1, le=limits.search_hits_max)] = limits.search_hits_default
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")] | None = None


class Found(Value):
    """One thing that was found.

    Attributes:
        place_id: The session or conversation to open it in.
        snippet: Where it matched; the matching words stand in «guillemets».
        rank: Less is better.
    """

    kind: Kind
    id: Id
    place_id: Id
    title: str
    snippet: str
    rank: float


async def search(request: web.Request) -> web.Response:
    """Find records by words, the best first."""
    asked, principal = query(request, SearchQuery), request[CALLER].principal
    terms = terms_of(asked.q)
    if not terms:
        return page_answer([], None)
    owner_id = None if principal.role in READ_ALL else principal.user_id
    wanted = Wanted(principal.tenant_id, terms, owner_id, asked.kind)
    offset = int(asked.cursor or 0)
    if offset > limits.search_offset_max:
        raise InvalidError("The search goes no further; add a word.", code="invalid_cursor")
    hits = await request.app[CONTEXT].search.find(tenant_of(request), wanted, limit=asked.limit + 1, offset=offset)
    behind = offset + asked.limit
    next_cursor = str(behind) if len(hits) > asked.limit and behind <= limits.search_offset_max else None
    return page_answer([_shown(hit).to_json() for hit in hits[: asked.limit]], next_cursor)


def _shown(hit: Hit) -> Found:
    snippet = hit.snippet.replace("\x02", "«").replace("\x03", "»")
    return Found(**{**hit._asdict(), "snippet": snippet})
