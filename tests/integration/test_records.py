"""The records at work together, through the services, on a real store."""

from functools import partial

import pytest

from sidecar.auth.signing_keys import KeyRing, SigningKeys
from sidecar.auth.tokens import LoginId, Tokens, is_token, new_login_token, token_hash
from sidecar.clock import SystemClock
from sidecar.errors import ConflictError, InvalidError, LimitExceededError, NotFoundError
from sidecar.ids import new_id
from sidecar.models.agents import Agent
from sidecar.models.audit import Audit
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.conversations import Conversation
from sidecar.models.files import FileEntry
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.tenants import Tenant
from sidecar.models.users import User
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories.agents import Agents
from sidecar.repositories.audit import Audits
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.files import Files
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings, named
from sidecar.repositories.tenants import Tenants, list_active_tenants
from sidecar.repositories.transactions import Actor, Database, Writing, acting
from sidecar.repositories.users import Users, find_accounts
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services import plans
from sidecar.services.cascades import Cascades
from sidecar.services.conversations import ConversationService
from sidecar.services.doctor.examination import examine
from sidecar.services.sessions import SessionService
from tests.clocks import FakeClock

EMAIL = "Ada@Example.org"


class Person:
    """A user with a tenant of their own."""

    def __init__(self, database: Database, now_ms: int) -> None:
        owner = new_id(now_ms)
        self.tenant = Tenant.new_self_tenant(name="Ada", owner_user_id=owner, now_ms=now_ms)
        self.user = User.new(
            tenant_id=self.tenant.id,
            email=EMAIL,
            now_ms=now_ms,
            user_id=owner,
            role="admin",
            first_name="Ada",
            last_name="Lovelace",
        )
        self.keys: TenantKeys = database.keyspace.tenant(self.tenant.id)

    def create(self, tr: Writing) -> User:
        return Users(self.keys).create_with_tenant(tr, self.user, self.tenant)


@pytest.fixture
async def person(database: Database) -> Person:
    made = Person(database, database.clock.now_ms())
    await database.transact(made.create)
    return made


async def test_create_user_and_tenant_atomically(database: Database) -> None:
    person = Person(database, database.clock.now_ms())

    def body(tr: Writing, *, fail: bool) -> None:
        person.create(tr)
        if fail:
            raise InvalidError("something else in the same transaction")

    with pytest.raises(InvalidError):
        await database.transact(partial(body, fail=True))
    assert await database.read(lambda tr: Tenants(person.keys).find(tr, person.tenant.id)) is None
    assert await database.read(lambda tr: find_accounts(tr, database.keyspace, EMAIL)) == []

    await database.transact(partial(body, fail=False))

    assert await database.read(lambda tr: Tenants(person.keys).get(tr, person.tenant.id)) == person.tenant
    user = await database.read(lambda tr: Users(person.keys).get_by_email(tr, "ADA@example.ORG"))
    assert (user, user.full_name()) == (person.user, "Ada Lovelace")
    assert await database.read(lambda tr: list_active_tenants(tr, database.keyspace).items) == [person.tenant]
    (account,) = await database.read(lambda tr: find_accounts(tr, database.keyspace, EMAIL))
    assert account == (person.tenant.id, person.user.id)
    other = User.new(tenant_id=person.tenant.id, email=EMAIL.lower(), now_ms=database.clock.now_ms())
    with pytest.raises(ConflictError):
        await database.transact(lambda tr: Users(person.keys).create(tr, other))


async def test_jwt_token_rotation_flow(database: Database, person: Person) -> None:
    clock = FakeClock(database.clock.now_ms())
    tokens = Tokens(KeyRing(SigningKeys.new(clock.now_ms()), clock, save=lambda _: None), clock)
    sessions = AuthSessions(person.keys)
    login = LoginId(person.tenant.id, new_id(clock.now_ms()))
    first_token = new_login_token("refresh", login)
    first = AuthSession.new(
        tenant_id=person.tenant.id,
        user_id=person.user.id,
        refresh_token_hash=token_hash(first_token),
        now_ms=clock.now_ms(),
        session_id=login.login_id,
    )
    await database.transact(lambda tr: sessions.create(tr, first))
    access = tokens.issue(
        user_id=person.user.id,
        tenant_id=person.tenant.id,
        role=person.user.role,
        token_family=first.token_family,
        login_id=first.id,
    )
    principal = tokens.verify(access)
    assert (principal.user_id, principal.tenant_id, principal.token_family) == (
        person.user.id,
        person.tenant.id,
        first.token_family,
    )

    second_token = new_login_token("refresh", LoginId(person.tenant.id, new_id(clock.now_ms())))
    second = await database.transact(
        lambda tr: sessions.rotate_tokens(tr, sessions.get(tr, first.id), refresh_token_hash=token_hash(second_token))
    )

    links = await database.read(lambda tr: sessions.get_by_token_family(tr, first.token_family).items)
    assert [each.id for each in links] == [second.id, first.id]
    assert (links[1].replaced_by, links[1].revoked_at is not None) == (second.id, True)
    assert is_token(second.refresh_token_hash, second_token)
    assert not is_token(second.refresh_token_hash, first_token)
    assert await database.transact(lambda tr: sessions.invalidate_family(tr, first.token_family)) == 1
    assert (await database.read(lambda tr: sessions.get(tr, second.id))).revoked_at is not None


async def test_workspace_session_persistence(database: Database, person: Person) -> None:
    service = SessionService(database)
    state = {"groups": [{"tabs": [{"path": "/w/a.py", "dirty": True, "content": "unsaved", "theirs": 1}]}]}
    session = _session(person, "morning", editor_state=state, git_branch="main")
    await service.create(person.keys, session)
    await service.update(person.keys, session.id, {"breakpoints": [{"path": "/w/a.py", "line": 3}]})

    kept = await database.read(lambda tr: WorkspaceSessions(person.keys).get_by_id(tr, session.id))

    assert kept.editor_state == session.editor_state
    assert kept.breakpoints[0].line == 3
    assert (kept.git_branch, kept.version) == ("main", 2)


async def test_cross_session_queries_by_tags(database: Database, person: Person) -> None:
    sessions = WorkspaceSessions(person.keys)
    for name, tags in (("api", ["backend", "http"]), ("db", ["backend", "storage"]), ("css", ["frontend"])):
        await database.transact(partial(sessions.create, record=_session(person, name, tags=tags)))

    related = await database.read(
        lambda tr: sessions.get_related_sessions(tr, person.user.id, ["backend", "storage"], limit=5)
    )
    tagged = await database.read(lambda tr: sessions.list_by_tag(tr, person.user.id, "backend").items)

    assert [each.name for each in related] == ["db", "api"]
    assert [each.name for each in tagged] == ["api", "db"]


async def test_conversation_and_message_linking(database: Database, person: Person) -> None:
    service = ConversationService(database)
    session = await SessionService(database).create(person.keys, _session(person, "talked about"))
    talk = await service.create(person.keys, _talk(person, workspace_session_id=session.id))
    for number in range(3):
        await service.add_message(person.keys, _message(talk, number))

    linked = await database.read(lambda tr: WorkspaceSessions(person.keys).get(tr, session.id))
    (stored,) = await database.read(lambda tr: Conversations(person.keys).get_by_session(tr, session.id).items)
    said = await database.read(lambda tr: Messages(person.keys).list_by_conversation(tr, talk.id, offset=1, limit=2))

    assert linked.conversation_id == talk.id
    assert (stored.id, stored.message_count, stored.token_count) == (talk.id, 3, 0 + 1 + 2)
    assert [each.content for each in said] == ["message 1", "message 2"]
    with pytest.raises(NotFoundError):
        await service.create(person.keys, _talk(person, workspace_session_id=person.user.id))


async def test_audit_event_creation(database: Database, person: Person) -> None:
    audited = Database(database.engine, database.clock, trail=plans.finish)
    actor = Actor(person.keys, person.user.id, new_id(database.clock.now_ms()), "127.0.0.1", "an IDE", 0)
    with acting(actor):
        session = await SessionService(audited).create(person.keys, _session(person, "watched"))
    by_hand = Audit.new(
        tenant_id=person.tenant.id,
        event_type="auth.logged_in",
        now_ms=database.clock.now_ms(),
        user_id=person.user.id,
        event_data={"by": ["hand"]},
    )
    await database.transact(lambda tr: Audits(person.keys).create(tr, by_hand))
    now_ms = database.clock.now_ms() + 1

    (created,) = await database.read(lambda tr: Audits(person.keys).list_by_event(tr, "session.created").items)
    by_user = await database.read(
        lambda tr: Audits(person.keys).list_by_user(tr, person.user.id, between_ms=(now_ms - 60_000, now_ms)).items
    )
    by_date = await database.read(lambda tr: Audits(person.keys).list_by_date(tr, between_ms=(None, now_ms)).items)

    assert (created.workspace_session_id, created.session_id, created.user_agent) == (
        session.id,
        actor.auth_session_id,
        "an IDE",
    )
    assert by_user == by_date == [by_hand, created]
    assert await database.read(lambda tr: Audits(person.keys).list_by_date(tr, between_ms=(now_ms, None)).items) == []


async def test_file_metadata_tracking(database: Database, person: Person) -> None:
    files = Files(person.keys)
    seen = [_seen(b"a.py", 1), _seen(b"b.py", 2)]
    await database.transact(lambda tr: files.put_entries(tr, "/w", seen, []))
    first, second = await database.read(lambda tr: files.list_entries(tr, "/w", limit=10))
    moved = first._replace(path=b"moved.py")
    await database.transact(lambda tr: files.put_entries(tr, "/w", [], [second], moved=[(moved, first)]))

    kept = await database.read(lambda tr: files.find_by_path(tr, "/w", b"moved.py"))
    gone = await database.read(lambda tr: files.find_by_path(tr, "/w", b"b.py"))

    assert kept is not None
    assert gone is not None
    assert (kept.id, kept.version, kept.is_deleted, kept.mime_type) == (first.id, 2, False, "text/x-python")
    assert (gone.id, gone.is_deleted, gone.deleted_at is not None) == (second.id, True, True)
    await database.transact(lambda tr: files.put_entries(tr, "/w", [_seen(b"b.py", 3)], []))
    back = await database.read(lambda tr: files.find_by_path(tr, "/w", b"b.py"))
    assert back is not None
    assert (back.id, back.is_deleted, back.file_size) == (second.id, False, 3)
    deleted = await database.transact(lambda tr: files.soft_delete(tr, back.id, if_version=back.version))
    assert deleted.is_deleted


async def test_agent_configuration_storage(database: Database, person: Person) -> None:
    agents = Agents(person.keys)
    config = {"mcp_tools": ["search"], "a2a_capabilities": ["plan"], "temperature": 0.5}
    agent = Agent.new(
        tenant_id=person.tenant.id,
        name="planner",
        agent_type="coordinator",
        now_ms=database.clock.now_ms(),
        config=config,
        memory={"learned": {"deep": [1, 2]}},
    )
    await database.transact(lambda tr: agents.create(tr, agent))
    await database.transact(lambda tr: agents.update(tr, agent.id, {"agent_type": "specialist", "is_active": False}))

    assert await database.read(lambda tr: agents.list_by_type(tr, "coordinator").items) == []
    (kept,) = await database.read(lambda tr: agents.list_by_type(tr, "specialist").items)
    assert kept.config.model_dump() == config
    assert (kept.memory, kept.is_active) == ({"learned": {"deep": [1, 2]}}, False)


async def test_user_settings_persistence(database: Database, person: Person) -> None:
    settings = Settings(person.keys)
    values = {
        ("editor", "font.size"): 12,
        ("editor", "rulers"): [80, 120],
        ("theme", "name"): {"dark": True, "hc": None},
    }
    for (category, key), value in values.items():
        await database.transact(partial(settings.put, setting=_setting(person, category, key, value)))
    changed = await database.transact(lambda tr: settings.put(tr, _setting(person, "editor", "font.size", 14)))

    kept = await database.read(lambda tr: settings.get_all(tr, person.user.id).items)

    assert [(each.category, each.key, each.value) for each in kept] == [
        ("editor", "font.size", 14),
        ("editor", "rulers", [80, 120]),
        ("theme", "name", {"dark": True, "hc": None}),
    ]
    assert changed.version == 2
    await database.transact(lambda tr: settings.delete(tr, named(person.user.id, "editor", "rulers")))
    assert len(await database.read(lambda tr: settings.list_by_category(tr, "editor").items)) == 1


async def test_the_complete_user_workflow(database: Database) -> None:
    audited = Database(database.engine, database.clock, trail=plans.finish)
    sessions, talks = SessionService(audited), ConversationService(audited)
    person = Person(database, database.clock.now_ms())
    await database.transact(person.create)
    actor = Actor(person.keys, person.user.id, new_id(database.clock.now_ms()), "127.0.0.1", "an IDE", 0)

    with acting(actor):
        session = await sessions.create(person.keys, _session(person, "feature", tags=["x"]))
        talk = await talks.create(person.keys, _talk(person, workspace_session_id=session.id))
        await talks.add_message(person.keys, _message(talk, 1))
        state = {"groups": [{"tabs": [{"path": "/w/a.py", "dirty": True, "content": "draft" * 2_000}]}]}
        await sessions.update(person.keys, session.id, {"editor_state": state, "memory": {"decisions": ["use X"]}})
        kept = await sessions.take_snapshot(person.keys, session.id, label="before")
        fork = await sessions.fork(person.keys, session.id, user_id=person.user.id, name="experiment")
        await sessions.update(person.keys, session.id, {"editor_state": {}})
        await sessions.restore(person.keys, session.id, kept.id)
        await sessions.delete(person.keys, session.id)

    left = await database.read(lambda tr: WorkspaceSessions(person.keys).get_by_id(tr, fork.id))
    assert left.editor_state.groups[0].tabs[0].content == "draft" * 2_000
    assert (left.memory.decisions, left.parent_session_id) == (["use X"], None)
    assert (await database.read(lambda tr: Conversations(person.keys).get(tr, talk.id))).message_count == 1
    trail = await database.read(lambda tr: Audits(person.keys).list_by_user(tr, person.user.id).items)
    assert {"session.created", "session.deleted", "message.created", "snapshot.created"} <= {
        each.event_type for each in trail
    }
    assert (await examine(database)).problems == []
    await Cascades(database).delete_tenant(person.keys)
    assert await database.read(lambda tr: tr.kv.get_range(*person.keys.tenant.range())) == []
    assert (await examine(database)).problems == []


async def test_the_plans_limits_are_enforced(database: Database, person: Person) -> None:
    limited = {"limits": {"workspace_sessions_max": 1, "storage_bytes_max": 10_000}}
    await database.transact(lambda tr: Tenants(person.keys).update(tr, person.tenant.id, {"settings": limited}))
    service = SessionService(Database(database.engine, SystemClock(), trail=plans.finish))

    with acting(Actor(person.keys, person.user.id, person.user.id, "", "", 0)):
        session = await service.create(person.keys, _session(person, "the only one"))
        with pytest.raises(LimitExceededError):
            await service.create(person.keys, _session(person, "one too many"))
        with pytest.raises(LimitExceededError):
            await service.update(person.keys, session.id, {"editor_state": {"note": "x" * 20_000}})
        await service.update(person.keys, session.id, {"editor_state": {"note": "x" * 9_000}})
        smaller = await service.update(person.keys, session.id, {"editor_state": {"note": "y" * 8_000}})
    assert smaller.version == 3  # what it replaces no longer counts


def _session(person: Person, name: str, **fields: object) -> WorkspaceSession:
    return WorkspaceSession.new(
        tenant_id=person.tenant.id,
        user_id=person.user.id,
        name=name,
        workspace_path="/w",
        now_ms=SystemClock().now_ms(),
        **fields,
    )


def _talk(person: Person, **fields: object) -> Conversation:
    return Conversation.new(
        tenant_id=person.tenant.id,
        user_id=person.user.id,
        ai_provider="a provider",
        title="a talk",
        now_ms=SystemClock().now_ms(),
        **fields,
    )


def _message(talk: Conversation, number: int) -> Message:
    return Message.new(
        tenant_id=talk.tenant_id,
        conversation_id=talk.id,
        role="user",
        content=f"message {number}",
        now_ms=SystemClock().now_ms(),
        token_count=number,
    )


def _setting(person: Person, category: str, key: str, value: object) -> Setting:
    return Setting.new(
        tenant_id=person.tenant.id,
        user_id=person.user.id,
        category=category,
        key=key,
        value=value,
        now_ms=SystemClock().now_ms(),
    )


def _seen(path: bytes, size: int) -> FileEntry:
    return FileEntry(
        path=path,
        id="",
        size=size,
        mtime_ns=1,
        ctime_ns=1,
        inode=1,
        checksum=b"\x01" * 32,
        kind="file",
        is_deleted=False,
    )
