"""Agents."""

from typing import Any, ClassVar

from sidecar import limits
from sidecar.models.agents import Agent
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.transactions import Reading

BY_TYPE = Index[Agent](keys.AGENTS_BY_TYPE, tails=lambda agent: [(agent.agent_type,)])


class Agents(Repository[Agent]):
    """The agents of one tenant."""

    kind = "agents"
    primary = keys.AGENTS
    model = Agent
    indexes: ClassVar[tuple[Index[Any], ...]] = (BY_TYPE,)
    large = True
    served_as_stored = True

    def list_by_tenant(
        self, tr: Reading, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[Agent]:
        """Return a page of the tenant's agents, oldest first."""
        return self.list_all(tr, cursor=cursor, limit=limit)

    def list_by_type(
        self, tr: Reading, agent_type: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[Agent]:
        """Return a page of the agents of one type, oldest first."""
        return self.list_by(tr, BY_TYPE, under=(agent_type,), cursor=cursor, limit=limit)
