"""An agent: a program that works for the tenant, how it is set up and what it remembers."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sidecar import limits
from sidecar.models.base import Flag, JsonObject, Name, Record, StateRoot

AgentType = Literal["coordinator", "specialist", "sub_agent"]
Tools = Annotated[list[Name], Field(max_length=limits.agent_tools_max)]


class AgentConfig(StateRoot):
    """What an agent may use and offers; unknown fields are kept."""

    mcp_tools: Tools = Field(default_factory=list)
    a2a_capabilities: Tools = Field(default_factory=list)


class Agent(Record):
    """One agent; ``memory`` is its own."""

    name: Name
    agent_type: AgentType
    config: AgentConfig = Field(default_factory=AgentConfig)
    memory: JsonObject = Field(default_factory=dict)
    is_active: Flag = True

    @classmethod
    def new(
        cls,
        *,
        tenant_id: str,
        name: str,
        agent_type: AgentType,
        now_ms: int,
        **fields: Any,  # noqa: ANN401 - any other field of the model; checked
    ) -> Self:
        """Build an agent that is not stored yet."""
        return cls.made(tenant_id=tenant_id, now_ms=now_ms, name=name, agent_type=agent_type, **fields)
