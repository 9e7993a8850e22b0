import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sidecar.clock import SystemClock
from sidecar.errors import CursorExpiredError, InvalidError, TransactionError
from sidecar.feed.hub import Hub
from sidecar.feed.log import SINCE_BEGINNING, SINCE_NOW, ChangeLog, Filter, Moment
from sidecar.feed.subscriptions import Subscription
from sidecar.ids import new_id
from sidecar.models.workspaces import Workspace
from sidecar.repositories import keys
from sidecar.repositories.changes import Changes
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.workspaces import Workspaces
from sidecar.store.engine import Watch
from sidecar.store.opening import open_engine
from sidecar.store.tuples import Versionstamp
from tests.e2e.daemons import eventually

ALL = Filter()


@pytest.fixture
def tenant(database: Database) -> TenantKeys:
    return database.keyspace.tenant(new_id(1))


@pytest.fixture
async def hub(database: Database, tenant: TenantKeys) -> AsyncIterator[Hub]:
    hub = Hub(database.engine, ChangeLog(database, Changes(tenant)))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run())
        yield hub
        running.cancel()


def feed_of(database: Database, tenant: TenantKeys) -> ChangeLog:
    return ChangeLog(database, Changes(tenant))


async def add(database: Database, tenant: TenantKeys, *paths: str) -> None:
    def body(tr: Writing) -> None:
        for path in paths:
            Workspaces(tenant).create(tr, Workspace.new(tenant_id=tenant.tenant_id, path=path, now_ms=tr.now_ms))

    await database.transact(body)


async def paths_since(log: ChangeLog, since: str, wanted: Filter = ALL) -> tuple[list[str], str]:
    stamp = await log.position(since)
    paths: list[str] = []
    while moments := await log.after(stamp, limit=3):
        message, stamp = log.message(moments, wanted)
        if message is not None:
            paths += [change["hint"]["workspace_path"] for change in json.loads(message)["changes"]]
    return paths, log.cursor(stamp)


def told(message: bytes) -> list[str]:
    return [change["hint"]["workspace_path"] for change in json.loads(message)["changes"]]


async def test_changes_come_in_the_order_of_their_commits_from_any_cursor(
    database: Database, tenant: TenantKeys
) -> None:
    log = feed_of(database, tenant)
    for number in range(10):
        await add(database, tenant, f"/{number}a", f"/{number}b")
    expected = [f"/{number}{letter}" for number in range(10) for letter in "ab"]
    paths, end = await paths_since(log, SINCE_BEGINNING)
    assert paths == expected
    await add(database, tenant, "/last")
    assert (await paths_since(log, end))[0] == ["/last"]
    assert (await paths_since(log, SINCE_NOW))[0] == []


async def test_a_filter_passes_only_what_it_wants(database: Database, tenant: TenantKeys) -> None:
    log = feed_of(database, tenant)
    await add(database, tenant, "/a", "/b")
    assert (await paths_since(log, SINCE_BEGINNING, Filter(frozenset({"files"}))))[0] == []
    assert (await paths_since(log, SINCE_BEGINNING, Filter(frozenset({"workspaces"}), "/b")))[0] == ["/b"]


async def test_another_tenant_hears_nothing(database: Database, tenant: TenantKeys) -> None:
    await add(database, tenant, "/a")
    other = database.keyspace.tenant(new_id(2))
    assert (await paths_since(feed_of(database, other), SINCE_BEGINNING))[0] == []


async def test_a_cursor_of_another_store_is_answered_with_where_to_go_on(
    database: Database, tenant: TenantKeys, tmp_path: Path
) -> None:
    await add(database, tenant, "/a")
    log = feed_of(database, tenant)
    other_engine = await open_engine(f"embedded:{tmp_path / 'other'}", clock=SystemClock())
    foreign = feed_of(Database(other_engine, SystemClock()), tenant).cursor(b"\x00" * 12)
    await other_engine.close()
    with pytest.raises(CursorExpiredError) as caught:
        await log.position(foreign)
    assert await paths_since(log, str(caught.value.details["cursor"])) == ([], caught.value.details["cursor"])


async def test_a_damaged_row_resets_who_is_before_it_and_nobody_else(database: Database, tenant: TenantKeys) -> None:
    log = feed_of(database, tenant)
    await add(database, tenant, "/a")
    (key, _), *_ = await database.read(lambda tr: Changes(tenant).stored(tr, b"", limit=1))
    behind = log.cursor(Changes(tenant).stamp(key))
    await add(database, tenant, "/b")
    await database.transact(lambda tr: tr.kv.set(key, b"\x01{"))
    with pytest.raises(CursorExpiredError) as caught:
        await paths_since(log, SINCE_BEGINNING)
    await add(database, tenant, "/c")
    assert (await paths_since(log, str(caught.value.details["cursor"])))[0] == ["/c"]
    assert (await paths_since(log, behind))[0] == ["/b", "/c"]


async def test_a_cursor_from_after_the_state_that_a_store_was_put_back_to_is_answered_with_where_to_go_on(
    tenant: TenantKeys, tmp_path: Path
) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[Database, ChangeLog]]:
        engine = await open_engine(f"embedded:{tmp_path / 'mine'}", clock=SystemClock())
        try:
            yield (database := Database(engine, SystemClock())), feed_of(database, tenant)
        finally:
            await engine.close()

    async with opened() as (database, log):
        await add(database, tenant, "/a")
        kept = log.cursor(await log.position(SINCE_NOW))
    shutil.copytree(tmp_path / "mine", tmp_path / "copy")
    async with opened() as (database, log):
        await add(database, tenant, "/b")
        ahead = log.cursor(await log.position(SINCE_NOW))
        assert await paths_since(log, ahead) == ([], ahead), "as long as it is the same store"
    shutil.rmtree(tmp_path / "mine")
    (tmp_path / "copy").rename(tmp_path / "mine")

    async with opened() as (database, log):
        with pytest.raises(CursorExpiredError) as caught:
            await log.position(ahead)
        assert caught.value.details["cursor"] == kept
        await database.transact(lambda tr: tr.kv.set(b"no change", b""))
        await add(database, tenant, "/c")
        with pytest.raises(CursorExpiredError):  # also when the store has moved past it
            await log.position(ahead)
        assert (await paths_since(log, kept))[0] == ["/c"]


async def test_a_cursor_past_every_stamp_is_answered_with_where_to_go_on(
    database: Database, tenant: TenantKeys
) -> None:
    log = feed_of(database, tenant)
    await add(database, tenant, "/a")
    with pytest.raises(CursorExpiredError):
        await log.position(log.cursor(b"\xff" * 12))


@pytest.mark.parametrize("since", ["", "x", "%%%", "AAAA", "é"])
async def test_what_is_no_cursor_is_refused(database: Database, tenant: TenantKeys, since: str) -> None:
    with pytest.raises(InvalidError):
        await feed_of(database, tenant).position(since)


async def test_a_large_transaction_is_told_whole_over_several_rows(database: Database, tenant: TenantKeys) -> None:
    long = "/" + "x" * 3000
    await add(database, tenant, *[f"{long}{number}" for number in range(100)])
    assert (await paths_since(feed_of(database, tenant), SINCE_BEGINNING))[0] == [f"{long}{n}" for n in range(100)]


async def test_listeners_near_and_far_hear_the_same(
    database: Database, tenant: TenantKeys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.feed_ring_changes_max", 5)  # so that who is behind reads the store
    log = feed_of(database, tenant)

    async def listen(pause_every: int) -> list[str]:
        stamp = await log.position(SINCE_BEGINNING)
        heard: list[str] = []
        while len(heard) < 60:
            for moment in await hub.after(stamp):
                heard += [json.loads(event.json)["hint"]["workspace_path"] for event in moment.events]
                stamp = moment.stamp
                if len(heard) % pause_every == 0:
                    await asyncio.sleep(0.01)
        return heard

    async with asyncio.TaskGroup() as tasks:
        listeners = [tasks.create_task(listen(pause)) for pause in (1000, 2, 7)]
        for number in range(60):
            await add(database, tenant, f"/{number}")
    assert [listener.result() for listener in listeners] == [[f"/{number}" for number in range(60)]] * 3


async def trim(database: Database, tenant: TenantKeys, *, keep: int) -> None:
    await database.transact(lambda tr: Changes(tenant).trim(tr, before_ms=0, changes_max=keep))


async def test_the_beginning_is_all_that_is_kept(database: Database, tenant: TenantKeys) -> None:
    log = feed_of(database, tenant)
    start = log.cursor(await log.position(SINCE_BEGINNING))
    for number in range(6):
        await add(database, tenant, f"/{number}")
    await trim(database, tenant, keep=2)
    assert (await paths_since(log, SINCE_BEGINNING))[0] == ["/4", "/5"]
    with pytest.raises(CursorExpiredError):
        await log.position(start)
    await trim(database, tenant, keep=0)
    assert (await paths_since(log, SINCE_BEGINNING))[0] == []


async def test_a_trim_between_two_reads_of_the_beginning_leaves_what_is_kept(
    database: Database, tenant: TenantKeys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.feed_ring_changes_max", 1)  # so that the store is read
    log = feed_of(database, tenant)
    for number in range(6):
        await add(database, tenant, f"/{number}")
    subscription = Subscription((log, hub), ALL, database.clock)
    assert await subscription.begin(SINCE_BEGINNING) is None
    await trim(database, tenant, keep=2)
    assert told(await subscription.next()) == ["/4", "/5"]


async def test_who_wants_nothing_of_what_comes_gets_newer_cursors_and_goes_on_from_them_after_a_trim(
    database: Database, tenant: TenantKeys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.feed_passed_over_max", 5)
    nothing, feed = Filter(frozenset({"agents"})), (feed_of(database, tenant), hub)
    subscription = Subscription(feed, nothing, database.clock)
    await subscription.begin(SINCE_NOW)
    for number in range(6):
        await add(database, tenant, f"/{number}")
    assert told(await subscription.next()) == []
    await trim(database, tenant, keep=1)
    assert await Subscription(feed, nothing, database.clock).begin(subscription.cursor) is None


async def test_a_single_change_that_is_not_wanted_is_passed_over_with_a_newer_cursor_in_time(
    database: Database, tenant: TenantKeys, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.feed_passed_over_seconds_max", 0.05)
    feed = feed_of(database, tenant), hub
    subscription = Subscription(feed, Filter(frozenset({"agents"})), database.clock)
    await subscription.begin(SINCE_NOW)
    await add(database, tenant, "/a")
    message = json.loads(await subscription.next())
    assert message == {"type": "changes", "cursor": feed[0].cursor(await feed[0].position(SINCE_NOW)), "changes": []}


async def test_rows_that_are_trimmed_unread_do_not_end_the_fan_out(
    database: Database, tenant: TenantKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = feed_of(database, tenant)
    hub = Hub(database.engine, log)
    after, unread = ChangeLog.after, asyncio.Event()

    async def late(self: ChangeLog, stamp: bytes, **more: Any) -> list[Moment]:
        await unread.wait()
        return await after(self, stamp, **more)

    monkeypatch.setattr(ChangeLog, "after", late)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run())
        await asyncio.sleep(0)
        for number in range(3):
            await add(database, tenant, f"/{number}")
        await trim(database, tenant, keep=0)
        unread.set()
        stamp = await log.position(SINCE_NOW)
        hearing = tasks.create_task(hub.after(stamp))
        await add(database, tenant, "/last")
        assert told(log.message(await hearing, ALL)[0] or b"") == ["/last"]
        running.cancel()


async def test_a_damaged_row_does_not_end_the_fan_out(
    database: Database, tenant: TenantKeys, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    log, rows = feed_of(database, tenant), tenant.space(keys.CHANGES)

    def damage(tr: Writing) -> None:
        tr.kv.versionstamped_key(*rows.pack_versionstamped((Versionstamp(None, 0),)), b"\x01damaged")
        tr.kv.versionstamped_value(log.head_key, b"", b"")

    await database.transact(damage)
    await eventually(lambda: "can't be read" in caplog.text, "the fan-out comes to the damage")
    hearing = asyncio.ensure_future(hub.after(await log.position(SINCE_NOW)))
    await add(database, tenant, "/a")
    assert told(log.message(await hearing, ALL)[0] or b"") == ["/a"]


async def test_a_watch_that_can_no_longer_tell_does_not_end_the_fan_out(
    database: Database, tenant: TenantKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster ends one now and then; what is written meanwhile must not wait for the next look."""
    monkeypatch.setattr("sidecar.limits.failure_wait_seconds_min", 0)
    log, made, watch = feed_of(database, tenant), [], database.engine.watch

    async def broken_at_first(key: bytes) -> Watch:
        made.append(await watch(key))
        if len(made) == 1:
            made[0].cancel()
        return made[-1]

    monkeypatch.setattr(database.engine, "watch", broken_at_first)
    hub = Hub(database.engine, log)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run())
        await eventually(lambda: len(made) == 2, "the log is watched anew")
        hearing = tasks.create_task(hub.after(await log.position(SINCE_NOW)))
        await add(database, tenant, "/a")
        assert told(log.message(await hearing, ALL)[0] or b"") == ["/a"]
        running.cancel()


async def test_a_log_that_can_not_be_read_for_a_moment_is_read_again_soon(
    database: Database, tenant: TenantKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.limits.failure_wait_seconds_min", 0)
    log, after, failures = feed_of(database, tenant), ChangeLog.after, [TransactionError(1007)]

    async def too_old_at_first(self: ChangeLog, stamp: bytes, **more: Any) -> list[Moment]:
        if failures:
            raise failures.pop()
        return await after(self, stamp, **more)

    monkeypatch.setattr(ChangeLog, "after", too_old_at_first)
    hub = Hub(database.engine, log)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run())
        await eventually(lambda: not failures, "the log can not be read")
        hearing = tasks.create_task(hub.after(await log.position(SINCE_NOW)))
        await add(database, tenant, "/a")
        assert told(log.message(await hearing, ALL)[0] or b"") == ["/a"]
        running.cancel()
