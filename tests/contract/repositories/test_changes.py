import pytest

from sidecar import limits
from sidecar.models.agents import Agent
from sidecar.repositories.agents import Agents
from sidecar.repositories.changes import STAMP_FIRST, Changes
from sidecar.repositories.files import Files
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Database, Writing


async def test_a_transaction_that_changes_nothing_wakes_nobody(database: Database, tenant: TenantKeys) -> None:
    changes = Changes(tenant)
    before = await database.read(changes.head)
    await database.transact(lambda tr: Files(tenant).put_entries(tr, "/w", [], []))
    assert await database.read(changes.head) == before
    assert await database.read(lambda tr: tr.kv.get(changes.head_key)) == before[:10]


async def test_no_more_rows_are_decoded_than_one_message_tells_and_none_is_lost(
    database: Database, tenant: TenantKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = Changes(tenant)

    def add(tr: Writing) -> None:
        agent = Agent.new(tenant_id=tenant.tenant_id, now_ms=tr.now_ms, name="an agent", agent_type="specialist")
        Agents(tenant).create(tr, agent)

    for _ in range(10):
        await database.transact(add)
    whole = await database.read(lambda tr: changes.after(tr, STAMP_FIRST))
    assert len(whole) >= 10
    monkeypatch.setattr(limits, "changes_message_bytes_max", 2 * len(whole[-1].changes[0].to_json()))
    told, stamp = [], STAMP_FIRST
    while rows := await database.read(lambda tr, stamp=stamp: changes.after(tr, stamp)):  # type: ignore[misc] # mypy guesses no lambda's defaults
        assert len(rows) <= 3
        told += rows
        stamp = rows[-1].stamp
    assert told == whole
