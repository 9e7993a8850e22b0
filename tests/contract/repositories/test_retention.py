"""What is too old, too much, or named by nothing goes, and nothing else."""

import asyncio
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import limits
from sidecar.errors import CorruptStoreError
from sidecar.models.files import FileEntry
from sidecar.models.messages import Message
from sidecar.models.snapshots import Snapshot
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories import counters, keys
from sidecar.repositories.audit import Audits
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.blobs import Blobs, digest_of
from sidecar.repositories.changes import STAMP_FIRST, Changes
from sidecar.repositories.files import Files
from sidecar.repositories.idempotency import Idempotency, KeptHead
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.snapshots import Moment, Snapshots, to_thin
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.doctor.examination import examine
from sidecar.services.retention import Retention
from sidecar.store.engine import Transaction
from tests.clocks import FakeClock
from tests.contract.repositories.samples import KINDS, NOW_MS, OWNER, TENANT_ID, Kind, an_id

DAY = 86_400
BY_NAME: dict[str, Kind] = {str(kind): kind for kind in KINDS}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "job_batch_rows_max", 2)


@pytest.fixture
def retention(database: Database) -> Retention:
    return Retention(database)


async def put(database: Database, tenant: TenantKeys, name: str, numbers: range) -> None:
    """Store records of one kind."""

    def body(tr: Writing) -> None:
        kind = BY_NAME[name]
        for number in numbers:
            kind.repository(tenant).create(tr, kind.make(TENANT_ID, number))

    await database.transact(body)


async def test_expired_logins_go(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    await put(database, tenant, "AuthSessions", range(5))
    clock.move(limits.refresh_token_seconds - 1)
    assert await retention.cleanup_expired(tenant) == 0
    clock.move(1)

    assert await retention.cleanup_expired(tenant) == 5
    assert await database.read(lambda tr: AuthSessions(tenant).list_all(tr).items) == []


async def test_audit_entries_older_than_so_many_days_go(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    await put(database, tenant, "Audits", range(5))
    clock.move(3 * DAY)
    assert await retention.cleanup_old_events(tenant, 3) == 0
    clock.move(1)

    assert await retention.cleanup_old_events(tenant, 3) == 5
    assert await database.read(lambda tr: Audits(tenant).list_by_date(tr).items) == []


async def test_files_that_have_been_gone_for_so_many_days_go_and_present_ones_stay(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    await put(database, tenant, "Files", range(1, 5))
    files = Files(tenant)
    entries: list[FileEntry] = await database.read(lambda tr: files.list_entries(tr, "/w", limit=10))
    await database.transact(lambda tr: files.put_entries(tr, "/w", [], entries[:3]))
    clock.move(30 * DAY)
    assert await retention.cleanup_deleted(tenant, 30) == 0
    clock.move(1)

    assert await retention.cleanup_deleted(tenant, 30) == 3
    assert [each.file_path for each in await database.read(lambda tr: files.list_all(tr).items)] == ["src/000004.py"]


async def test_change_rows_go_by_age_and_by_count_and_the_floor_moves(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = Changes(tenant)
    await put(database, tenant, "Agents", range(1))
    clock.move(limits.changes_age_days_max * DAY)
    for number in range(1, 6):
        await put(database, tenant, "Agents", range(number, number + 1))
    old = await database.read(lambda tr: changes.after(tr, STAMP_FIRST))
    assert await retention.trim_changes(tenant) == 0
    clock.move(1)

    assert await retention.trim_changes(tenant) == 2  # the tenant's own, and the first agent's
    assert await database.read(changes.floor) == old[1].stamp
    monkeypatch.setattr(limits, "changes_kept_max", 2)
    assert await retention.trim_changes(tenant) == 3
    assert await database.read(changes.count) == 2
    assert [row.stamp for row in await database.read(lambda tr: changes.after(tr, STAMP_FIRST))] == [
        row.stamp for row in old[5:]
    ]
    monkeypatch.setattr(limits, "changes_kept_max", 0)
    assert await retention.trim_changes(tenant) == 2
    assert await database.read(changes.head) == await database.read(changes.floor) == old[-1].stamp


async def test_snapshots_thin_out_and_take_their_contents_along(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    sessions, snapshots = WorkspaceSessions(tenant), Snapshots(tenant)
    made = WorkspaceSession.new(tenant_id=TENANT_ID, user_id=OWNER, name="s", workspace_path="/w", now_ms=NOW_MS)
    await database.transact(lambda tr: sessions.create(tr, made))

    def step(tr: Writing) -> None:
        stored = sessions.update(tr, made.id, {"editor_state": {"at": tr.now_ms, "note": "x" * 5_000}})
        label = "kept" if tr.now_ms == NOW_MS + 600_000 else None
        snapshots.create(tr, Snapshot.new(stored, reason="auto", now_ms=tr.now_ms, label=label))

    for _ in range(30):
        clock.move(600)
        await database.transact(step)
    headers = Blobs(tenant).headers.range()
    assert await database.read(lambda tr: len(tr.kv.get_range(*headers))) == 31

    removed = (await retention.run_all())["snapshots"]

    left = await database.read(lambda tr: snapshots.moments(tr, made.id))
    ages = [(clock.now_ms() - each.at_ms) // 60_000 for each in left]
    assert removed == 30 - len(left)
    assert [age for age in ages if age <= 60] == [60, 50, 40, 30, 20, 10, 0]
    assert len([age for age in ages if age > 60]) == 5  # one an hour, and the labelled one
    assert await database.read(lambda tr: len(tr.kv.get_range(*headers))) == len(left) + 1
    clock.move(31 * DAY)
    await retention.run_all()
    assert [each.is_labelled for each in await database.read(lambda tr: snapshots.moments(tr, made.id))] == [True]


async def test_blobs_that_nothing_names_are_collected_in_batches(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    blobs = Blobs(tenant)
    for number in range(5):
        content = b"content %d" % number
        await database.transact(lambda tr, c=content: blobs.ensure(tr, digest_of(c), c))  # type: ignore[misc] # bound per turn
    clock.move(limits.blob_grace_seconds + 1)

    assert await retention.collect_blobs(tenant) == 5


async def test_of_contents_that_are_named_a_collection_reads_no_more_than_the_keys(
    database: Database, tenant: TenantKeys, clock: FakeClock
) -> None:
    blobs, content = Blobs(tenant), b"x" * 70_000
    owner = ("sessions", keys.id_element(OWNER))

    def fill(tr: Writing) -> None:
        blobs.ensure(tr, digest_of(content), content)
        tr.kv.set(blobs.references.pack((digest_of(content), *owner)), b"")

    await database.transact(fill)
    clock.move(limits.blob_grace_seconds + 1)
    read: list[bytes] = []

    def collect(tr: Writing) -> None:
        tr.kv = cast("Transaction", Noting(tr.kv, read))
        assert blobs.collect(tr, b"", limit=9) == (0, None)

    await database.transact(collect)
    assert sum(map(len, read)) < 1_000

    def forget(tr: Writing) -> None:
        tr.kv.clear(blobs.references.pack((digest_of(content), *owner)))
        assert blobs.collect(tr, b"", limit=9) == (1, None)

    await database.transact(forget)


class Noting:
    """A transaction that notes the values which are read."""

    def __init__(self, kv: Transaction, read: list[bytes]) -> None:
        self._kv = kv
        self._read = read

    def get(self, key: bytes, *, snapshot: bool = False) -> bytes | None:
        value = self._kv.get(key, snapshot=snapshot)
        self._read.append(value or b"")
        return value

    def get_range(self, *between: bytes, **how: Any) -> list[tuple[bytes, bytes]]:
        rows = self._kv.get_range(*between, **how)
        self._read += [value for _, value in rows]
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kv, name)


HOURS = st.integers(min_value=0, max_value=40 * 24 * 3_600_000)


@given(st.lists(st.tuples(HOURS, st.booleans()), max_size=60))
def test_thinning_keeps_what_it_says(ages: list[tuple[int, bool]]) -> None:
    now_ms = 10**12
    moments = sorted(
        (Moment(str(number), now_ms - age, label) for number, (age, label) in enumerate(ages)),
        key=lambda each: each.at_ms,
    )

    gone = set(to_thin(moments, now_ms))

    kept = [each for each in moments if each.id not in gone]
    assert {each.id for each in moments if each.is_labelled}.isdisjoint(gone)
    assert all(each in kept for each in moments if now_ms - each.at_ms <= 3_600_000)
    for each in moments:
        age_ms = now_ms - each.at_ms
        if each in kept or age_ms > 30 * DAY * 1_000:
            continue
        bucket_ms = 3_600_000 if age_ms <= DAY * 1_000 else DAY * 1_000
        assert [other for other in kept if other.at_ms // bucket_ms == each.at_ms // bucket_ms]
    assert to_thin(kept, now_ms) == []


async def test_what_is_damaged_stops_no_job_that_is_not_about_it(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    await put(database, tenant, "WorkspaceSessions", range(1))
    await put(database, tenant, "AuthSessions", range(5))
    session = WorkspaceSessions(tenant).key(BY_NAME["WorkspaceSessions"].make(TENANT_ID, 0).id)
    change, _ = (await database.read(lambda tr: Changes(tenant).stored(tr, b"", limit=2)))[1]

    def damage(tr: Writing) -> None:
        tr.kv.set(session, b"\x07{}")
        tr.kv.set(change, b"\x01{")
        tr.kv.set(tenant.space(keys.BLOBS).pack((b"\x02" * 32,)), b"\x01\x01")

    await database.transact(damage)
    clock.move(limits.refresh_token_seconds)
    removed = await retention.run_all()

    assert removed == {"auth_sessions": 5, "blobs": 1, "changes": removed["changes"]}
    assert change not in dict(await database.read(lambda tr: Changes(tenant).stored(tr, b"", limit=9)))
    assert await database.read(Changes(tenant).floor) >= Changes(tenant).stamp(change)
    await database.transact(lambda tr: tr.kv.clear(session))
    await examine(database, repair=True)


async def test_an_answer_that_can_not_be_read_is_no_answer_and_goes_in_time(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    kept = KeptHead(fingerprint="f", at_ms=clock.now_ms(), status=200)
    await database.transact(lambda tr: Idempotency(tenant).put(tr, OWNER, "key", kept))
    rows = await database.read(lambda tr: tr.kv.get_range(*tenant.space(keys.IDEMPOTENCY).range()))
    await database.transact(lambda tr: tr.kv.set(rows[0][0], b"{"))

    with pytest.raises(CorruptStoreError):
        await database.read(lambda tr: Idempotency(tenant).find(tr, OWNER, "key"))
    clock.move(limits.idempotency_seconds + 1)
    assert await retention.expire_answers(tenant) == 1
    assert await database.read(lambda tr: tr.kv.get_range(*tenant.space(keys.IDEMPOTENCY).range())) == []


async def test_a_large_answer_takes_no_room_beside_its_record_and_outlives_it_until_it_is_too_old(
    database: Database, tenant: TenantKeys, retention: Retention, clock: FakeClock
) -> None:
    conversation, talks, answers = an_id(7), Messages(tenant), Idempotency(tenant)
    fields: dict[str, Any] = {"tenant_id": TENANT_ID, "conversation_id": conversation, "now_ms": NOW_MS}
    said = Message.new(**fields, role="user", content="m" * 300_000)
    await database.transact(lambda tr: talks.create(tr, said))
    before = await database.read(lambda tr: counters.value(tr, tenant.space(keys.BLOB_BYTES).raw))
    head = KeptHead(fingerprint="f", at_ms=clock.now_ms(), status=201)

    def keep(tr: Writing) -> None:
        for key in ("one", "two", "three"):
            answers.put(tr, OWNER, key, head, answer=said)

    await database.transact(keep)
    assert await database.read(lambda tr: counters.value(tr, tenant.space(keys.BLOB_BYTES).raw)) == before
    await database.transact(lambda tr: talks.delete(tr, said.id))
    clock.move(limits.idempotency_seconds - 1)
    assert await retention.expire_answers(tenant) == 0
    kept = await database.read(lambda tr: answers.find(tr, OWNER, "two"))
    assert kept is not None
    assert kept.body == said.to_json()
    assert (await examine(database)).problems == []
    clock.move(2)
    assert await retention.expire_answers(tenant) == 3
    spaces = [tenant.space(name) for name in (keys.IDEMPOTENCY, keys.BLOBS, keys.BLOB_CHUNKS, keys.BLOB_REFERENCES)]
    assert await database.read(lambda tr: [tr.kv.get_range(*space.range()) for space in spaces]) == [[]] * 4


async def test_a_run_that_fails_is_told_and_the_next_one_tries_again(
    database: Database, tenant: TenantKeys, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limits, "retention_first_seconds", 0)
    monkeypatch.setattr(limits, "retention_interval_seconds", 0)
    monkeypatch.setattr(limits, "retention_jitter_seconds", 0)
    content = b"named by nothing"
    await database.transact(lambda tr: Blobs(tenant).ensure(tr, digest_of(content), content))
    caplog.set_level("INFO")

    class Failing(Retention):
        runs = 0

        async def run_all(self) -> Counter[str]:
            self.runs += 1
            if self.runs == 1:
                raise CorruptStoreError("a record is damaged")
            raise asyncio.CancelledError

    failing = Failing(database)
    with pytest.raises(asyncio.CancelledError):
        await failing.run_forever()

    assert failing.runs == 2
    assert [record.message for record in caplog.records] == [
        "Retention removed nothing.",
        "Retention stopped early: a record is damaged",
    ]
