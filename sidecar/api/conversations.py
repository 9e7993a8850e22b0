"""Conversations and their messages."""

import json
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from sidecar import limits
from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.owners import changeable, check_readable, check_related, may_read, readable, shown_user
from sidecar.api.patches import patched
from sidecar.api.requests import (
    PageQuery,
    body,
    if_match,
    page_answer,
    query,
    raw_answer,
    record_answer,
    tenant_of,
)
from sidecar.models.base import Content, Count, Id, LongText, Name, Related, Tags, Value
from sidecar.models.conversations import Conversation, Status
from sidecar.models.messages import Message, MessageRole
from sidecar.repositories import messages as stored
from sidecar.repositories.base import Page
from sidecar.repositories.codec import served
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import id_element
from sidecar.repositories.messages import Messages
from sidecar.repositories.paging import ReadPage, filtered
from sidecar.repositories.transactions import Reading
from sidecar.repositories.workspace_sessions import WorkspaceSessions


class ConversationPatch(Value):
    """What a client may change of a conversation."""

    ai_provider: Name
    title: Name
    description: LongText = ""
    tags: Tags = Field(default_factory=list)
    status: Status = "active"
    related_conversations: Related = Field(default_factory=list)
    summary: LongText = ""


class ConversationBody(ConversationPatch):
    """A new conversation, and the session that it is begun in."""

    workspace_session_id: Id | None = None


class MessageBody(Value):
    """What one side said."""

    role: MessageRole
    content: Content
    model: Name | None = None
    token_count: Annotated[Count, Field(le=limits.token_count_max)] = 0


class ConversationsQuery(PageQuery):
    """Which conversations to list, newest first.

    Attributes:
        workspace_session_id: Only those begun in this session.
        status: Only of this status.
        user_id: Another user's, for managers and admins.
    """

    workspace_session_id: Id | None = None
    status: Status | None = None
    user_id: Id | None = None


class MessagesQuery(PageQuery):
    """Which messages, oldest first."""


async def add(request: web.Request) -> web.Response:
    """Store a new conversation."""
    sent = await body(request, ConversationBody)
    tenant, user_id = tenant_of(request), request[CALLER].principal.user_id
    await check_related(request, Conversations(tenant), sent.related_conversations)
    if sent.workspace_session_id is not None:
        await readable(request, WorkspaceSessions(tenant), sent.workspace_session_id)
    now_ms = request.app[CONTEXT].database.clock.now_ms()
    new = Conversation.new(tenant_id=tenant.tenant_id, user_id=user_id, now_ms=now_ms, **dict(sent))
    made = await request.app[CONTEXT].conversations.create(tenant, new)
    return record_answer(made, HTTPStatus.CREATED, location=f"/api/v5/conversations/{made.id}")


async def list_all(request: web.Request) -> web.Response:
    """List conversations, without their messages."""
    asked, conversations = query(request, ConversationsQuery), Conversations(tenant_of(request))
    user_id = shown_user(request, asked.user_id)

    def wants(each: Conversation) -> bool:
        is_asked = asked.status in (None, each.status) and asked.user_id in (None, each.user_id)
        return is_asked and may_read(request[CALLER].principal, each.user_id)

    page = await request.app[CONTEXT].database.read(
        lambda tr: filtered(_rows(tr, conversations, asked, user_id), wants, cursor=asked.cursor, limit=asked.limit)
    )
    return page_answer([each.to_json() for each in page.items], page.next_cursor)


async def get(request: web.Request) -> web.Response:
    """Return one conversation with a page of its messages."""
    asked, tenant, identifier = query(request, MessagesQuery), tenant_of(request), request.match_info["id"]
    conversations, messages = Conversations(tenant), Messages(tenant)

    def read(tr: Reading) -> tuple[Conversation | None, Page[bytes]]:
        return conversations.find(tr, identifier), _messages(tr, messages, identifier, asked)

    found, page = await request.app[CONTEXT].database.read(read)
    text = check_readable(request, Conversations, identifier, None if found is None else served(found.to_json())).text
    cursor = json.dumps(page.next_cursor).encode()
    more = b',"messages":{"items":[%b],"next_cursor":%b}}' % (b",".join(page.items), cursor)
    response = raw_answer(text[:-1] + more)
    response.headers["ETag"] = f'"{found.version if found else 0}"'
    return response


async def patch(request: web.Request) -> web.Response:
    """Merge a patch into a conversation."""
    conversations = Conversations(tenant_of(request))
    identifier = await changeable(request, conversations)

    async def check(fields: Mapping[str, Any]) -> None:
        await check_related(request, conversations, fields.get("related_conversations", ()), identifier)

    changed = await patched(request, conversations, identifier, ConversationPatch, check=check)
    return record_answer(changed)


async def remove(request: web.Request) -> web.Response:
    """Delete a conversation and its messages."""
    identifier = await changeable(request, Conversations(tenant_of(request)))
    await request.app[CONTEXT].conversations.delete(tenant_of(request), identifier, if_version=if_match(request))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def add_message(request: web.Request) -> web.Response:
    """Store a new message of a conversation."""
    sent, tenant = await body(request, MessageBody), tenant_of(request)
    identifier = await changeable(request, Conversations(tenant))
    now_ms = request.app[CONTEXT].database.clock.now_ms()
    new = Message.new(tenant_id=tenant.tenant_id, conversation_id=identifier, now_ms=now_ms, **dict(sent))
    return record_answer(await request.app[CONTEXT].conversations.add_message(tenant, new), HTTPStatus.CREATED)


async def list_messages(request: web.Request) -> web.Response:
    """List a conversation's messages, oldest first."""
    asked, messages = query(request, MessagesQuery), Messages(tenant_of(request))
    identifier = await readable(request, Conversations(tenant_of(request)))
    page = await request.app[CONTEXT].database.read(lambda tr: _messages(tr, messages, identifier, asked))
    return page_answer(page.items, page.next_cursor)


def _messages(tr: Reading, messages: Messages, conversation_id: str, asked: MessagesQuery) -> Page[bytes]:
    under = (id_element(conversation_id),)
    return messages.page_served(tr, stored.BY_CONVERSATION, under=under, cursor=asked.cursor, limit=asked.limit)


def _rows(tr: Reading, conversations: Conversations, asked: ConversationsQuery, user_id: str) -> ReadPage[Conversation]:
    if asked.workspace_session_id is not None:
        return partial(conversations.get_by_session, tr, asked.workspace_session_id)
    return partial(conversations.list_by_user, tr, user_id)
