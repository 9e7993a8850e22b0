"""Agents: everyone in the tenant sees them, managers and admins set them up."""

from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from sidecar.api.context import CONTEXT
from sidecar.api.patches import patched
from sidecar.api.requests import (
    PageQuery,
    body,
    if_match,
    page_answer,
    query,
    record_answer,
    tenant_of,
    text_answer,
)
from sidecar.models.agents import Agent, AgentConfig, AgentType
from sidecar.models.base import Flag, JsonObject, Name, Value
from sidecar.repositories import agents as stored
from sidecar.repositories.agents import Agents
from sidecar.repositories.codec import served


class AgentBody(Value):
    """What is written of an agent; what is left out has its default."""

    name: Name
    agent_type: AgentType
    config: AgentConfig = Field(default_factory=AgentConfig)
    memory: JsonObject = Field(default_factory=dict)
    is_active: Flag = True


class AgentsQuery(PageQuery):
    """Which agents to list, oldest first: all, or those of one type."""

    agent_type: AgentType | None = None


async def add(request: web.Request) -> web.Response:
    """Store a new agent."""
    sent, agents = await body(request, AgentBody), Agents(tenant_of(request))
    now_ms = request.app[CONTEXT].database.clock.now_ms()
    new = Agent.new(tenant_id=agents.tenant.tenant_id, now_ms=now_ms, **dict(sent))
    made = await request.app[CONTEXT].database.transact(lambda tr: agents.create(tr, new))
    return record_answer(made, HTTPStatus.CREATED, location=f"/api/v5/agents/{made.id}")


async def list_all(request: web.Request) -> web.Response:
    """List the tenant's agents."""
    asked, agents = query(request, AgentsQuery), Agents(tenant_of(request))
    index = None if asked.agent_type is None else stored.BY_TYPE
    under = () if asked.agent_type is None else (asked.agent_type,)
    page = await request.app[CONTEXT].database.read(
        lambda tr: agents.page_served(tr, index, under=under, cursor=asked.cursor, limit=asked.limit)
    )
    return page_answer(page.items, page.next_cursor)


async def get(request: web.Request) -> web.Response:
    """Return one agent."""
    agents, identifier = Agents(tenant_of(request)), request.match_info["id"]
    text = await request.app[CONTEXT].database.read(lambda tr: agents.find_json(tr, identifier))
    if text is None:
        raise agents.missing(identifier)
    return text_answer(served(text))


async def put(request: web.Request) -> web.Response:
    """Replace what is written of an agent."""
    sent, agents, version = await body(request, AgentBody), Agents(tenant_of(request)), if_match(request)
    identifier, fields = request.match_info["id"], dict(sent)
    return record_answer(
        await request.app[CONTEXT].database.transact(
            lambda tr: agents.update(tr, identifier, fields, if_version=version)
        )
    )


async def patch(request: web.Request) -> web.Response:
    """Merge a patch into an agent."""
    changed = await patched(request, Agents(tenant_of(request)), request.match_info["id"], AgentBody)
    return record_answer(changed)


async def remove(request: web.Request) -> web.Response:
    """Delete an agent."""
    agents, identifier, version = Agents(tenant_of(request)), request.match_info["id"], if_match(request)
    await request.app[CONTEXT].database.transact(lambda tr: agents.delete(tr, identifier, if_version=version))
    return web.Response(status=HTTPStatus.NO_CONTENT)
