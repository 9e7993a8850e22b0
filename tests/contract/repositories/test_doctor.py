"""The doctor finds what is damaged, whichever way round, and rebuilds what can be told from the records."""

from collections.abc import Callable

import pytest

from sidecar.errors import UnavailableError
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories import codec, counters, deletions, keys
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.files import Files
from sidecar.repositories.idempotency import KIND, Idempotency, KeptHead
from sidecar.repositories.keys import Keyspace, TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.cascades import Cascades
from sidecar.services.doctor.examination import examine
from tests.contract.failing import FailingEngine, Fuse
from tests.contract.repositories.samples import KINDS, NOW_MS, OWNER, TENANT_ID, Kind, an_id

TALK = an_id(70)


def first(tr: Writing, tenant: TenantKeys, name: str) -> tuple[bytes, bytes]:
    """Return the first row under a key's name."""
    return tr.kv.get_range(*tenant.space(name).range(), limit=1)[0]


def drop(name: str) -> Callable[[Writing, TenantKeys], None]:
    """Return a damage: the first row under a name is lost."""
    return lambda tr, tenant: tr.kv.clear(first(tr, tenant, name)[0])


def overwrite(name: str, value: bytes) -> Callable[[Writing, TenantKeys], None]:
    """Return a damage: the first row under a name says something else."""
    return lambda tr, tenant: tr.kv.set(first(tr, tenant, name)[0], value)


def stray(name: str, tail: tuple[object, ...], value: bytes = b"") -> Callable[[Writing, TenantKeys], None]:
    """Return a damage: an entry of nothing."""
    return lambda tr, tenant: tr.kv.set(tenant.space(name).pack(tail), value)  # type: ignore[arg-type] # made-up items


def lose_record(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: a file's record is lost, its entries stay."""
    tr.kv.clear(Files(tenant).key(an_id(1)))


def lose_setting(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: a setting, which the log names by more than its id, is lost."""
    tr.kv.clear(first(tr, tenant, keys.SETTINGS)[0])


def set_back(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: a record is at a version that the log does not tell."""
    users = Users(tenant)
    users.tells = False  # type: ignore[misc] # the damage itself
    users.update(tr, an_id(1), {"first_name": "Untold"})


def turn_bits(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: a slice of a session's state says something else that can be read just as well."""
    rows = tr.kv.get_range(*tenant.space(keys.BLOB_CHUNKS).range())
    key, value = next(row for row in rows if b"large" in row[1])
    tr.kv.set(key, value.replace(b"large", b"small"))


def lose_header(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: a blob's header is lost."""
    tr.kv.clear(first(tr, tenant, keys.BLOBS)[0])


def forget_an_answer(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: what is kept for its repeat is not among those that name its contents."""
    rows = tr.kv.get_range(*tenant.space(keys.BLOB_REFERENCES).range())
    tr.kv.clear(next(key for key, _ in rows if KIND.encode() in key))


def lose_shared(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: login no longer finds an address."""
    tr.kv.clear_range(*tenant.shared[keys.ACCOUNTS_BY_EMAIL].range())


def stray_shared(tr: Writing, tenant: TenantKeys) -> None:
    """Damage: login finds an address of nobody."""
    own = keys.id_element(tenant.tenant_id)
    tr.kv.set(tenant.shared[keys.ACCOUNTS_BY_EMAIL].pack(("nobody@example.org", own)), own.bytes)


REPAIRABLE = {
    "an entry is lost": drop(keys.FILES_BY_PATH),
    "an entry is out of date": overwrite(keys.FILES_BY_PATH, b"\x00" * 60),
    "an entry of nothing": stray(keys.RECENT_SESSIONS, (keys.id_element(OWNER), 5, keys.id_element(OWNER))),
    "an entry with a broken value": stray(keys.WORKSPACES_BY_PATH, (b"/nowhere",), b"short"),
    "a login entry is lost": lose_shared,
    "a login entry of nobody": stray_shared,
    "a record is lost": lose_record,
    "a setting is lost": lose_setting,
    "a counter is wrong": overwrite(keys.MESSAGE_COUNTS, (7).to_bytes(8, "little")),
    "a counter of nothing": stray(keys.TOKEN_COUNTS, (keys.id_element(OWNER),), b"\x01" + bytes(7)),
    "a record count is lost": drop(keys.RECORD_COUNTS),
    "a reference is lost": drop(keys.BLOB_REFERENCES),
    "a reference of nothing": stray(keys.BLOB_REFERENCES, (b"\x01" * 32, "sessions", keys.id_element(OWNER))),
    "a reference of a kept answer is lost": forget_an_answer,
    "a reference of an answer that is gone": drop(keys.IDEMPOTENCY_BY_TIME),
    "slices without a header": stray(keys.BLOB_CHUNKS, (b"\x02" * 32, 0), b"x"),
    "the log does not tell of an update": set_back,
    "a row of the log is lost": drop(keys.CHANGES),
    "a row of the log is cut short": overwrite(keys.CHANGES, b'\x01{"at":12,"chan'),
    "a row of the log has another format": overwrite(keys.CHANGES, b"\x07{}"),
    "a header of nothing is cut short": stray(keys.BLOBS, (b"\x02" * 32,), b"\x01\x01"),
}
LOST = {
    "a blob is lost": lose_header,
    "a slice is lost": drop(keys.BLOB_CHUNKS),
    "a slice is cut short": overwrite(keys.BLOB_CHUNKS, b"other"),
    "a slice is not what it was": turn_bits,
    "a header is cut short": overwrite(keys.BLOBS, b"\x01\x01"),
    "a record is unreadable": overwrite(keys.AGENTS, b'\x01{"id":7}'),
    "a record has another format": overwrite(keys.AGENTS, b"\x07{}"),
    "a large record has another format": overwrite(keys.MESSAGES, b"\x07{}"),
    "a tenant's record is unreadable": lambda tr, tenant: tr.kv.set(Tenants(tenant).key(TENANT_ID), b"\x07{}"),
}


@pytest.fixture
async def filled(database: Database, tenant: TenantKeys) -> Database:
    """Return a database with three records of each kind, a conversation, and a session with a large state."""

    def fill(tr: Writing) -> None:
        for kind in KINDS:
            for number in (1, 2, 3):
                kind.repository(tenant).create(tr, kind.make(TENANT_ID, number))
        talk = Conversation.new(tenant_id=TENANT_ID, user_id=OWNER, ai_provider="p", title="t", now_ms=NOW_MS)
        talk = talk.model_copy(update={"id": TALK})
        Conversations(tenant).create(tr, talk)
        said = Message.new(
            tenant_id=TENANT_ID, conversation_id=TALK, role="user", content="m" * 200_000, now_ms=NOW_MS, token_count=2
        )
        Messages(tenant).create(tr, said)
        head = KeptHead(fingerprint="f", at_ms=NOW_MS, status=201)
        Idempotency(tenant).put(tr, OWNER, "key", head, answer=said)
        state = {"note": "large" * 50_000}
        session = WorkspaceSession.new(
            tenant_id=TENANT_ID, user_id=OWNER, name="s", workspace_path="/w", now_ms=NOW_MS, editor_state=state
        )
        WorkspaceSessions(tenant).create(tr, session)

    await database.transact(fill)
    return database


async def test_a_sound_store_has_no_problems_and_all_of_it_is_looked_at(filled: Database) -> None:
    report = await examine(filled)

    assert report.problems == []
    assert report.rows[keys.FILES] == report.rows[keys.FILES_BY_PATH] == 3
    assert report.rows[keys.BLOBS] > 2
    assert report.rows[keys.CHANGES] == 3  # two tenants, and the filling


@pytest.mark.parametrize("damage", REPAIRABLE.values(), ids=REPAIRABLE.keys())
async def test_what_the_records_can_tell_is_found_and_rebuilt(
    filled: Database, tenant: TenantKeys, damage: Callable[[Writing, TenantKeys], None]
) -> None:
    await filled.transact(lambda tr: damage(tr, tenant))

    found = await examine(filled)
    assert found.problems
    assert found.left == found.problems
    assert await examine(filled) == found  # looking changes nothing
    repaired = await examine(filled, repair=True)

    assert repaired.left == []
    assert (await examine(filled)).problems == []


@pytest.mark.parametrize("damage", LOST.values(), ids=LOST.keys())
async def test_what_only_the_lost_bytes_could_tell_is_reported_and_not_invented(
    filled: Database, tenant: TenantKeys, keyspace: Keyspace, damage: Callable[[Writing, TenantKeys], None]
) -> None:
    await filled.transact(lambda tr: damage(tr, tenant))

    assert (await examine(filled, repair=True)).left
    assert (await examine(filled)).left

    await filled.transact(lambda tr: tr.kv.clear_range(*keyspace.root.range()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.repository.kind)
async def test_a_record_that_can_not_be_read_is_removed_where_that_is_asked_for(
    filled: Database, tenant: TenantKeys, keyspace: Keyspace, kind: Kind
) -> None:
    repository = kind.repository(tenant)
    identifier = repository.identifier(kind.make(TENANT_ID, 1))
    await filled.transact(lambda tr: tr.kv.set(repository.key(identifier), b'\x01{"id":7}'))

    [left] = (await examine(filled, repair=True)).left
    assert "stays" in left.what
    report = await examine(filled, repair=True, removes_unreadable=True)
    is_kept = repository.kind in ("users", "tenants")

    assert [problem.what for problem in report.left] == ([left.what] if is_kept else [])
    assert (await examine(filled)).left == report.left
    if is_kept:
        await filled.transact(lambda tr: tr.kv.clear_range(*keyspace.root.range()))
    else:
        assert await filled.read(lambda tr: repository.find(tr, identifier)) is None


async def test_a_unique_value_of_two_records_is_reported_and_left_as_it_is(
    filled: Database, tenant: TenantKeys
) -> None:
    users = Users(tenant)
    first, second = await filled.read(lambda tr: (users.get(tr, an_id(1)), users.get(tr, an_id(2))))
    twin = second.model_copy(update={"email": first.email})
    await filled.transact(lambda tr: tr.kv.set(users.key(twin.id), codec.encode(twin)))
    await examine(filled, repair=True)

    for _ in range(2):
        left = (await examine(filled, repair=True)).left
        assert [problem.check for problem in left] == ["index", "index"]
        assert all(twin.id in problem.what for problem in left)
        assert await filled.read(lambda tr: users.find_by_email(tr, first.email)) == first

    await filled.transact(lambda tr: tr.kv.set(users.key(second.id), codec.encode(second)))
    await examine(filled, repair=True)


async def test_a_deletion_that_can_not_be_finished_is_reported_and_keeps_no_other(
    filled: Database, tenant: TenantKeys, keyspace: Keyspace
) -> None:
    unknown = deletions.Deletion(TENANT_ID, "a kind of a later version", TALK)
    await filled.transact(lambda tr: deletions.begin(tr, keyspace, unknown))
    await filled.transact(lambda tr: Conversations(tenant).delete(tr, TALK))
    await filled.transact(
        lambda tr: deletions.begin(tr, keyspace, deletions.Deletion(TENANT_ID, "conversations", TALK))
    )

    left = (await examine(filled, repair=True)).left

    assert [problem.check for problem in left] == ["deletion"]
    assert await filled.read(lambda tr: deletions.under_way(tr, keyspace)) == [unknown]
    assert (await filled.read(lambda tr: Messages(tenant).list_by_conversation(tr, TALK))) == []
    await filled.transact(lambda tr: deletions.end(tr, keyspace, unknown))


async def test_counters_are_counted_anew(filled: Database, tenant: TenantKeys) -> None:
    key = tenant.space(keys.MESSAGE_COUNTS).pack((keys.id_element(TALK),))
    await filled.transact(lambda tr: counters.put(tr, key, 99))

    await examine(filled, repair=True)

    assert await filled.read(lambda tr: counters.value(tr, key)) == 1


async def test_a_tenant_whose_deletion_was_cut_short_is_no_problem_and_a_repair_finishes_it(
    filled: Database, tenant: TenantKeys, keyspace: Keyspace
) -> None:
    fuse = Fuse(25, lambda: UnavailableError("the disk is full"))
    failing = Database(FailingEngine(filled.engine, fuse), filled.clock, keyspace)
    with pytest.raises(UnavailableError):
        await Cascades(failing).delete_tenant(tenant)
    assert await filled.read(lambda tr: tr.kv.get_range(*tenant.tenant.range()))

    assert (await examine(filled)).problems == []
    await examine(filled, repair=True)

    assert await filled.read(lambda tr: tr.kv.get_range(*tenant.tenant.range())) == []
