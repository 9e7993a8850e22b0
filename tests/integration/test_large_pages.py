"""A page of large records ends at some megabytes, whatever its limit; all pages together are the list."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar import limits
from sidecar.models.agents import Agent
from sidecar.models.base import Record
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.repositories.agents import Agents
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.transactions import Writing
from sidecar.services.logins import Login
from tests.integration.house import House, running_house

ROW, BLOB = 85_000, 1_000_000  # characters: of what a record's row can hold, and of what it can't
SIZES = [10, BLOB, BLOB, BLOB, BLOB, 8_000_000, 10, *[ROW] * 110, BLOB, 8_000_000]
Store = Callable[[Writing, TenantKeys, dict[str, Any], int], Record]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


def message(tr: Writing, keys: TenantKeys, ids: dict[str, Any], size: int) -> Record:
    made = Message.new(**owned(tr, ids), conversation_id=ids["conversations"], role="user", content="m" * size)
    return Messages(keys).create(tr, made)


def setting(tr: Writing, keys: TenantKeys, ids: dict[str, Any], size: int) -> Record:
    name = f"k{len(ids):04}"
    ids[name] = name
    made = Setting.new(**owned(tr, ids), user_id=ids["users"], category="theme", key=name, value="s" * size)
    return Settings(keys).put(tr, made)


def agent(tr: Writing, keys: TenantKeys, ids: dict[str, Any], size: int) -> Record:
    made = Agent.new(**owned(tr, ids), name="a", agent_type="specialist", memory={"m": "a" * size})
    return Agents(keys).create(tr, made)


def conversation(tr: Writing, keys: TenantKeys, ids: dict[str, Any], size: int) -> Record:
    said = owned(tr, ids) | {"description": "d" * min(size, 20_000), "summary": "é" * min(size, 20_000)}
    made = Conversation.new(**said, user_id=ids["users"], ai_provider="x", title="t")
    return Conversations(keys).create(tr, made)


def owned(tr: Writing, ids: dict[str, Any]) -> dict[str, Any]:
    return {"tenant_id": ids["tenants"], "now_ms": tr.now_ms}


async def stored(house: House, login: Login, store: Store) -> tuple[dict[str, Any], set[str]]:
    """Store a record of each size; return the ids of the user's belongings, and those of the records."""
    ids: dict[str, Any] = dict(await house.belongings(login))
    keys = house.context.database.keyspace.tenant(login.tenant.id)

    def body(size: int) -> Callable[[Writing], Record]:
        return lambda tr: store(tr, keys, ids, size)

    return ids, {(await house.context.database.transact(body(size))).id for size in SIZES}


LISTS: dict[str, tuple[Store, str]] = {
    "messages": (message, "conversations/{conversations}/messages?"),
    "settings": (setting, "settings?"),
    "agents": (agent, "agents?"),
    "agents of a type": (agent, "agents?agent_type=specialist&"),
    "conversations": (conversation, "conversations?status=active&"),
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_ends_at_some_megabytes_and_all_pages_are_the_list(house: House, name: str) -> None:
    login = await house.person(await house.tenant("acme"), "admin")
    store, path = LISTS[name]
    ids, made = await stored(house, login, store)
    pages: list[list[Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        url = f"/api/v5/{path.format(**ids)}limit=1000{cursor and '&cursor='}{cursor}"
        answer = await house.call("GET", url, login.access_token)
        assert answer.status == 200, answer.content
        pages.append(answer.content["items"])
        cursor = answer.content["next_cursor"]
    found = [each["id"] for page in pages for each in page]
    assert len(found) == len(set(found))
    assert set(found) >= made
    for page in pages:
        assert len(page) == 1 or len(json.dumps(page, ensure_ascii=False).encode()) <= 1.1 * limits.page_bytes_max
    assert len(pages) < len(SIZES) / 3, "a page holds as many as it can"


async def test_a_conversation_comes_with_no_more_of_its_messages_than_a_page(house: House) -> None:
    login = await house.person(await house.tenant("acme"), "admin")
    ids, _ = await stored(house, login, message)
    url = f"/api/v5/conversations/{ids['conversations']}?limit=1000"
    shown = (await house.call("GET", url, login.access_token)).content["messages"]
    assert len(shown["items"]) == 5  # the one that it had, a small one, and three of a megabyte
    assert shown["next_cursor"] is not None
