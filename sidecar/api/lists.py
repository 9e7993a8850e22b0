"""Adding to and taking from the short lists of a record: tags, facts, decisions. Safe for many writers at once.

A merge patch replaces such a list whole; these routes change it inside one transaction instead.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from sidecar import limits
from sidecar.api import sessions
from sidecar.api.context import CONTEXT, Handler
from sidecar.api.owners import changeable
from sidecar.api.requests import body, if_match, record_answer, tenant_of
from sidecar.models.base import Tags, Value
from sidecar.models.conversations import Conversation
from sidecar.models.editing import Memory, Note, Notes
from sidecar.models.workspace_sessions import StoredSession
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.transactions import Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions

Change = Callable[[list[Any], list[Any]], list[Any]]
ListName = Literal["facts", "decisions"]


class TagsBody(Value):
    """The tags to add or to remove."""

    items: Annotated[Tags, Field(min_length=1)]


class NotesBody(Value):
    """The facts or decisions to add or to remove: texts, or objects with a ``text``."""

    items: Annotated[Notes, Field(min_length=1, max_length=limits.memory_items_max)]


def added(items: list[Any], new: list[Any]) -> list[Any]:
    """Return ``items`` and, behind them, those of ``new`` that are not among them."""
    fresh: dict[str | bytes, Any] = {}
    for each in new:
        fresh.setdefault(_key(each), each)
    kinds = set(map(type, new))
    for each in items:
        if type(each) in kinds:  # a key of a note takes longer than that
            fresh.pop(_key(each), None)
    return [*items, *fresh.values()]


def removed(items: list[Any], gone: list[Any]) -> list[Any]:
    """Return ``items`` without those that equal one of ``gone``; a text also removes notes of that text."""
    keys, kinds = set(map(_key, gone)), set(map(type, gone))
    return [
        each
        for each in items
        if not (type(each) in kinds and _key(each) in keys) and getattr(each, "text", None) not in keys
    ]


def _key(item: str | Note) -> str | bytes:
    """Return what is equal of equal items alone: a text itself, a note's JSON with its members in one order."""
    return item if isinstance(item, str) else json.dumps([item.text, item.model_extra], sort_keys=True).encode()


def session_tags(change: Change) -> Handler:
    """Return the handler that changes a session's tags."""

    async def handler(request: web.Request) -> web.StreamResponse:
        items = (await body(request, TagsBody)).items
        return await _change_session(request, lambda _, __, old: {"tags": change(old.tags, items)})

    handler.__doc__ = f"Change a session's tags: those in the body are {change.__name__}."
    return handler


def session_notes(name: ListName, change: Change) -> Handler:
    """Return the handler that changes what a session's memory holds under ``name``."""

    async def handler(request: web.Request) -> web.StreamResponse:
        items = (await body(request, NotesBody)).items

        def fields(tr: Writing, repository: WorkspaceSessions, old: StoredSession) -> dict[str, object]:
            memory = repository.memory(tr, old)
            notes = change(getattr(memory, name), items)
            return {"memory": Memory.checked(**{**dict(memory), **(memory.model_extra or {}), name: notes})}

        return await _change_session(request, fields)

    handler.__doc__ = f"Change a session's {name}: those in the body are {change.__name__}."
    return handler


def conversation_tags(change: Change) -> Handler:
    """Return the handler that changes a conversation's tags."""

    async def handler(request: web.Request) -> web.StreamResponse:
        items, version = (await body(request, TagsBody)).items, if_match(request)
        conversations = Conversations(tenant_of(request))
        conversation_id = await changeable(request, conversations)

        def write(tr: Writing) -> Conversation:
            tags = change(conversations.get(tr, conversation_id).tags, items)
            return conversations.update(tr, conversation_id, {"tags": tags}, if_version=version)

        return record_answer(await request.app[CONTEXT].database.transact(write))

    handler.__doc__ = f"Change a conversation's tags: those in the body are {change.__name__}."
    return handler


async def _change_session(
    request: web.Request, fields: Callable[[Writing, WorkspaceSessions, StoredSession], dict[str, object]]
) -> web.Response:
    repository, version = WorkspaceSessions(tenant_of(request)), if_match(request)
    session_id = await changeable(request, repository)

    def write(tr: Writing) -> StoredSession:
        old = repository.get(tr, session_id)
        return repository.update(tr, session_id, fields(tr, repository, old), if_version=version)

    return await sessions.answer(request, await request.app[CONTEXT].database.transact(write))
