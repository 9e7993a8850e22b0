"""Deleting what others depend on: all of it goes, in bounded transactions, also when one of them fails."""

import itertools
import tracemalloc
from functools import partial
from typing import Any

import pytest

from sidecar import limits
from sidecar.errors import CorruptStoreError, ForbiddenError, NotFoundError, UnavailableError
from sidecar.models.audit import Audit
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.users import User
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories import deletions, keys, machine
from sidecar.repositories.audit import Audits
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.blobs import Blobs
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import Keyspace, TenantKeys, id_element
from sidecar.repositories.messages import BY_CONVERSATION, Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.cascades import Cascades
from sidecar.services.doctor.examination import examine
from sidecar.services.sessions import SessionService
from tests.contract.failing import FailingEngine, Fuse
from tests.contract.repositories.samples import NOW_MS, OWNER, TENANT_ID, an_id

USER = an_id(5)
MESSAGES = 7


class House:
    """A user with one of everything, and what stays when they go."""

    def __init__(self, tenant: TenantKeys) -> None:
        self.tenant = tenant
        self.user = User.new(tenant_id=TENANT_ID, email="gone@example.org", now_ms=NOW_MS, user_id=USER)
        self.session = self._session("parent", USER)
        self.child = self._session("child", USER).model_copy(update={"parent_session_id": self.session.id})
        self.other = self._session("other", OWNER)
        self.talk = Conversation.new(
            tenant_id=TENANT_ID,
            user_id=USER,
            ai_provider="p",
            title="t",
            now_ms=NOW_MS,
            workspace_session_id=self.session.id,
        )

    def _session(self, name: str, user_id: str) -> WorkspaceSession:
        return WorkspaceSession.new(
            tenant_id=TENANT_ID,
            user_id=user_id,
            name=name,
            workspace_path="/w",
            now_ms=NOW_MS,
            editor_state={"note": name * 30_000},
        )

    def build(self, tr: Writing) -> None:
        tenant = self.tenant
        Users(tenant).create(tr, self.user)
        login = AuthSession.new(tenant_id=TENANT_ID, user_id=USER, refresh_token_hash="0" * 64, now_ms=NOW_MS)
        AuthSessions(tenant).create(tr, login)
        Settings(tenant).create(
            tr,
            Setting.new(tenant_id=TENANT_ID, user_id=USER, category="editor", key="k", value=1, now_ms=NOW_MS),
        )
        Audits(tenant).create(
            tr, Audit.new(tenant_id=TENANT_ID, event_type="user.created", now_ms=NOW_MS, user_id=USER)
        )
        talk = self.talk.id
        Conversations(tenant).create(tr, self.talk)
        for session in (self.session, self.child, self.other):
            WorkspaceSessions(tenant).create(tr, session.model_copy(update={"conversation_id": talk}))
        for _ in range(MESSAGES):
            Messages(tenant).create(
                tr,
                Message.new(
                    tenant_id=TENANT_ID, conversation_id=talk, role="user", content="c", now_ms=NOW_MS, token_count=1
                ),
            )


@pytest.fixture
async def house(database: Database, tenant: TenantKeys, monkeypatch: pytest.MonkeyPatch) -> House:
    """Return a house built in the store, with batches so small that every removal takes several."""
    monkeypatch.setattr(limits, "job_batch_rows_max", 2)
    monkeypatch.setattr(limits, "deletion_bytes_enough", 0)
    monkeypatch.setattr(limits, "clear_batch_rows_max", 5)
    built = House(tenant)
    await database.transact(built.build)
    await SessionService(database).take_snapshot(tenant, built.session.id)
    return built


@pytest.fixture
def cascades(database: Database) -> Cascades:
    return Cascades(database)


def tenant_rows(tr: Reading, tenant: TenantKeys) -> int:
    """Return how many rows a tenant has."""
    return len(tr.kv.get_range(*tenant.tenant.range()))


async def test_a_conversation_takes_its_messages_and_leaves_the_sessions(
    database: Database, tenant: TenantKeys, house: House, cascades: Cascades
) -> None:
    await cascades.delete_conversation(tenant, house.talk.id, if_version=1)

    assert await database.read(lambda tr: Messages(tenant).list_all(tr).items) == []
    assert await database.read(lambda tr: Messages(tenant).count(tr, house.talk.id)) == 0
    left = await database.read(lambda tr: WorkspaceSessions(tenant).list_all(tr).items)
    assert [(each.name, each.conversation_id) for each in left] == [("parent", None), ("child", None), ("other", None)]


@pytest.mark.parametrize(("count", "size"), [(8, 1_000_000), (100, 80_000)])
async def test_a_batch_of_large_records_is_not_in_memory_at_once(
    database: Database, tenant: TenantKeys, count: int, size: int
) -> None:
    talk = an_id(9)
    for number in range(count):
        message = Message.new(
            tenant_id=TENANT_ID, conversation_id=talk, role="user", content=f"{number:04}" * (size // 4), now_ms=NOW_MS
        )
        await database.transact(partial(Messages(tenant).create, record=message))
    between = Messages(tenant).spaces[BY_CONVERSATION.name].range((id_element(talk),))
    tracemalloc.start()
    removed = await database.transact(
        lambda tr: Messages(tenant).delete_between(tr, BY_CONVERSATION, between, limit=limits.job_batch_rows_max)
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert removed == count
    assert peak < 5_500_000


async def test_a_session_takes_its_snapshots_and_keeps_its_children_and_conversations(
    database: Database, tenant: TenantKeys, house: House, cascades: Cascades
) -> None:
    await cascades.delete_session(tenant, house.session.id)

    assert await database.read(lambda tr: Snapshots(tenant).list_all(tr).items) == []
    child = await database.read(lambda tr: WorkspaceSessions(tenant).get_by_id(tr, house.child.id))
    assert (child.parent_session_id, child.editor_state) == (None, house.child.editor_state)
    talk = await database.read(lambda tr: Conversations(tenant).get(tr, house.talk.id))
    assert (talk.workspace_session_id, talk.message_count) == (None, MESSAGES)


async def test_a_session_whose_snapshots_name_much_goes_in_batches_of_few(
    database: Database, tenant: TenantKeys, cascades: Cascades, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = SessionService(database)
    made = WorkspaceSession.new(tenant_id=TENANT_ID, user_id=USER, name="n", workspace_path="/w", now_ms=NOW_MS)
    await service.create(tenant, made)
    for number in range(6):
        buffers = [{"kind": "untitled", "content": f"{number} {place} " + "x" * 5_000} for place in range(8)]
        await service.update(tenant, made.id, {"editor_state": {"groups": [{"tabs": buffers}]}})
        await service.take_snapshot(tenant, made.id)
    monkeypatch.setattr(limits, "job_batch_rows_max", 20)  # two snapshots name about so much
    batches: list[int] = []
    delete_between = Snapshots.delete_between

    def counted(snapshots: Snapshots, *arguments: Any, **more: Any) -> int:
        batches.append(delete_between(snapshots, *arguments, **more))
        return batches[-1]

    monkeypatch.setattr(Snapshots, "delete_between", counted)

    await cascades.delete_session(tenant, made.id)

    assert batches == [2, 2, 2, 0]
    assert await database.read(lambda tr: tr.kv.get_range(*Blobs(tenant).headers.range())) == []


async def test_a_user_takes_what_is_theirs_and_the_trail_stays(
    database: Database, tenant: TenantKeys, house: House, cascades: Cascades
) -> None:
    await cascades.delete_user(tenant, USER)

    for repository in (Users, AuthSessions, Settings, Conversations, Messages, Snapshots):
        assert await database.read(partial(repository(tenant).list_all)) == ([], None)
    left = await database.read(lambda tr: WorkspaceSessions(tenant).list_all(tr).items)
    assert [each.id for each in left] == [house.other.id]
    assert len(await database.read(lambda tr: Audits(tenant).list_by_user(tr, USER).items)) == 1


async def test_a_user_with_many_sessions_goes_in_few_transactions(
    database: Database, tenant: TenantKeys, keyspace: Keyspace
) -> None:
    service = SessionService(database)
    await database.transact(House(tenant).build)
    for number in range(100):
        made = WorkspaceSession.new(
            tenant_id=TENANT_ID, user_id=USER, name="n", workspace_path=f"/{number}", now_ms=NOW_MS, active_files=["a"]
        )
        await service.create(tenant, made)
        await service.take_snapshot(tenant, made.id)
    fuse = Fuse(0, lambda: UnavailableError("never"))
    transactions = itertools.count()

    class Counting(FailingEngine):
        async def transact(self, *given: Any, **more: Any) -> Any:
            next(transactions)
            return await super().transact(*given, **more)

    await Cascades(Database(Counting(database.engine, fuse), database.clock, keyspace)).delete_user(tenant, USER)

    assert next(transactions) < 15
    left = await database.read(lambda tr: WorkspaceSessions(tenant).list_all(tr).items)
    assert [each.user_id for each in left] == [OWNER]
    assert await database.read(lambda tr: Snapshots(tenant).list_all(tr).items) == []
    assert await database.read(lambda tr: deletions.under_way(tr, keyspace)) == []


async def test_what_is_damaged_below_one_deletion_stops_neither_it_nor_another(
    database: Database, tenant: TenantKeys, keyspace: Keyspace, cascades: Cascades, caplog: pytest.LogCaptureFixture
) -> None:
    talks = [
        Conversation.new(tenant_id=TENANT_ID, user_id=USER, ai_provider="p", title="t", now_ms=NOW_MS) for _ in range(3)
    ]
    said = [
        Message.new(tenant_id=TENANT_ID, conversation_id=talks[0].id, role="user", content="m", now_ms=NOW_MS)
        for _ in range(6)
    ]
    lost, damaged, misplaced = said[0], said[1:4], said[5].model_copy(update={"conversation_id": talks[2].id})

    def build(tr: Writing) -> None:
        for talk in talks:
            Conversations(tenant).create(tr, talk)
        for each in (*said[:5], misplaced):
            Messages(tenant).create(tr, each)
        tr.kv.clear(Messages(tenant).key(lost.id))
        for each in damaged:
            tr.kv.set(Messages(tenant).key(each.id), b"\x07{}")
        index = Messages(tenant).entries(BY_CONVERSATION, said[5])
        tr.kv.set(*next(iter(index.items())))

    await database.transact(build)
    await cascades.delete_conversation(tenant, talks[0].id)
    await cascades.delete_conversation(tenant, talks[1].id)

    assert await database.read(lambda tr: deletions.under_way(tr, keyspace)) == []
    talking = (await database.read(lambda tr: Conversations(tenant).list_all(tr))).items
    assert [each.id for each in talking] == [talks[2].id]
    left = await database.read(lambda tr: [each for each in said if tr.kv.get(Messages(tenant).key(each.id))])
    assert left == [*damaged, said[5]]
    assert "can't be read" in caplog.text

    def mend(tr: Writing) -> None:
        for each in damaged:
            tr.kv.clear(Messages(tenant).key(each.id))

    await database.transact(mend)
    await examine(database, repair=True)


async def test_a_tenant_takes_everything_and_nothing_of_others(
    database: Database, tenant: TenantKeys, other_tenant: TenantKeys, house: House, cascades: Cascades
) -> None:
    before = await database.read(lambda tr: tenant_rows(tr, other_tenant))
    assert await database.read(lambda tr: tenant_rows(tr, tenant)) > 50

    await cascades.delete_tenant(tenant)

    assert await database.read(lambda tr: tenant_rows(tr, tenant)) == 0
    assert await database.read(lambda tr: tenant_rows(tr, other_tenant)) == before
    shared = await database.read(lambda tr: tr.kv.get_range(*tenant.shared.range()))
    assert not [key for key, value in shared if house.user.id.encode() in value or b"gone@example.org" in key]
    assert len([key for key, _ in shared if b"tenants" in key]) == 1


async def test_the_owner_of_a_tenant_and_the_machines_own_tenant_stay(
    database: Database, tenant: TenantKeys, keyspace: Keyspace, cascades: Cascades
) -> None:
    owner = User.new(tenant_id=TENANT_ID, email="o@example.org", now_ms=NOW_MS, user_id=OWNER)
    await database.transact(lambda tr: Users(tenant).create(tr, owner))
    await database.transact(lambda tr: machine.put(tr, keyspace, machine.Machine(TENANT_ID, OWNER)))

    with pytest.raises(ForbiddenError):
        await cascades.delete_user(tenant, OWNER)
    with pytest.raises(ForbiddenError):
        await cascades.delete_tenant(tenant)
    with pytest.raises(NotFoundError):
        await cascades.delete_session(tenant, an_id(404))

    assert await database.read(lambda tr: Tenants(tenant).find(tr, TENANT_ID)) is not None
    assert await database.read(lambda tr: deletions.under_way(tr, keyspace)) == []


async def test_a_damaged_name_of_the_machines_owner_is_told_in_one_sentence(
    database: Database, keyspace: Keyspace
) -> None:
    await database.transact(lambda tr: tr.kv.set(keyspace.root[keys.MACHINE].raw, b'\x01{"tenant'))
    with pytest.raises(CorruptStoreError, match="own tenant and owner"):
        await database.read(lambda tr: machine.find(tr, keyspace))


@pytest.mark.parametrize("kind", ["conversation", "session", "user", "tenant"])
async def test_a_deletion_that_was_cut_short_is_finished_later(
    database: Database, tenant: TenantKeys, keyspace: Keyspace, house: House, kind: str
) -> None:
    ids = {"conversation": house.talk.id, "session": house.session.id, "user": USER}
    cut = 0
    for number in itertools.count(1, 7):
        failing = Database(
            FailingEngine(database.engine, Fuse(number, lambda: UnavailableError("the disk is full"))),
            database.clock,
            keyspace,
        )
        delete = getattr(Cascades(failing), f"delete_{kind}")
        try:
            await (delete(tenant) if kind == "tenant" else delete(tenant, ids[kind]))
        except UnavailableError:
            cut += 1
        except NotFoundError:  # its own record went with the first transaction of an attempt that was cut short
            break
        else:
            break
        if await database.read(lambda tr: deletions.under_way(tr, keyspace)):
            break

    assert cut
    await Cascades(database).finish_all()
    assert await database.read(lambda tr: deletions.under_way(tr, keyspace)) == []
    if kind == "tenant":
        assert await database.read(lambda tr: tenant_rows(tr, tenant)) == 0
    elif kind in ("conversation", "user"):
        assert await database.read(lambda tr: Messages(tenant).list_all(tr).items) == []
