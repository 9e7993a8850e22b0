"""Whatever is done to sessions and conversations, and whatever fails on the way, nothing is astray or left behind."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar import limits
from sidecar.errors import NotFoundError, UnavailableError
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories import keys
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import Keyspace, TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.transactions import Database, Reading
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.cascades import Cascades
from sidecar.services.conversations import ConversationService
from sidecar.services.doctor.examination import examine
from sidecar.services.retention import Retention
from sidecar.services.sessions import SessionService
from tests.clocks import FakeClock
from tests.contract.failing import FailingEngine, Fuse
from tests.contract.repositories.samples import OWNER, TENANT_ID
from tests.examples import examples

CONTENTS = ("", "small", "a" * 5_000, "b" * 100_000, "c" * 1_200_000)


class Step(NamedTuple):
    """One thing to do: what, to which of the records there are, with which content, and which operation of it fails."""

    name: str
    which: int
    content: str
    fails_at: int


class World:
    """Does steps on a database that fails when it is told to."""

    def __init__(self, database: Database, tenant: TenantKeys, clock: FakeClock) -> None:
        self.sound = database
        self.tenant = tenant
        self.clock = clock

    async def do(self, step: Step) -> None:
        self.clock.move(90)
        fuse = Fuse(step.fails_at, lambda: UnavailableError("the disk is full"))
        database = Database(FailingEngine(self.sound.engine, fuse), self.clock, self.sound.keyspace)
        action: Callable[[Database, Step], Awaitable[object]] = getattr(self, step.name)
        try:
            await action(database, step)
        except (UnavailableError, NotFoundError):
            return

    async def create_session(self, database: Database, step: Step) -> None:
        made = WorkspaceSession.new(
            tenant_id=TENANT_ID,
            user_id=OWNER,
            name="s",
            workspace_path="/w",
            now_ms=self.clock.now_ms(),
            editor_state={"note": step.content},
            tags=[str(step.which)],
        )
        await SessionService(database).create(self.tenant, made)

    async def type_text(self, database: Database, step: Step) -> None:
        fields = {"editor_state": {"note": step.content}, "memory": {"facts": [step.content[:10_000]]}}
        await SessionService(database).update(self.tenant, await self._session(step), fields)

    async def fork(self, database: Database, step: Step) -> None:
        await SessionService(database).fork(self.tenant, await self._session(step), user_id=OWNER)

    async def snapshot(self, database: Database, step: Step) -> None:
        label = "kept" if step.content else None
        await SessionService(database).take_snapshot(self.tenant, await self._session(step), label=label)

    async def restore(self, database: Database, step: Step) -> None:
        session = await self._session(step)
        taken = await self.sound.read(lambda tr: Snapshots(self.tenant).list_by_session(tr, session).items)
        if taken:
            await SessionService(database).restore(self.tenant, session, taken[step.which % len(taken)].id)

    async def delete_session(self, database: Database, step: Step) -> None:
        await SessionService(database).delete(self.tenant, await self._session(step))

    async def talk(self, database: Database, step: Step) -> None:
        made = Conversation.new(
            tenant_id=TENANT_ID,
            user_id=OWNER,
            ai_provider="p",
            title="t",
            now_ms=self.clock.now_ms(),
            workspace_session_id=await self._session(step),
        )
        await ConversationService(database).create(self.tenant, made)

    async def say(self, database: Database, step: Step) -> None:
        made = Message.new(
            tenant_id=TENANT_ID,
            conversation_id=await self._conversation(step),
            role="user",
            content=step.content,
            now_ms=self.clock.now_ms(),
            token_count=len(step.content),
        )
        await ConversationService(database).add_message(self.tenant, made)

    async def unsay(self, database: Database, step: Step) -> None:
        said = await self.sound.read(lambda tr: Messages(self.tenant).list_all(tr).items)
        if said:
            chosen = said[step.which % len(said)].id
            await database.transact(lambda tr: Messages(self.tenant).delete(tr, chosen))

    async def delete_conversation(self, database: Database, step: Step) -> None:
        await ConversationService(database).delete(self.tenant, await self._conversation(step))

    async def retain(self, database: Database, step: Step) -> None:
        self.clock.move(step.which * 7_200)
        await Retention(database).run_all()

    async def _session(self, step: Step) -> str:
        found = await self.sound.read(lambda tr: WorkspaceSessions(self.tenant).list_all(tr).items)
        return found[step.which % len(found)].id if found else OWNER

    async def _conversation(self, step: Step) -> str:
        found = await self.sound.read(lambda tr: Conversations(self.tenant).list_all(tr).items)
        return found[step.which % len(found)].id if found else OWNER


ACTIONS = [name for name in vars(World) if not name.startswith("_") and name != "do"]
STEPS = st.builds(
    Step,
    name=st.sampled_from(ACTIONS),
    which=st.integers(0, 5),
    content=st.sampled_from(CONTENTS),
    fails_at=st.just(0) | st.integers(1, 40),
)


def blob_rows(tr: Reading, tenant: TenantKeys) -> int:
    """Return how many rows hold contents, or name them."""
    names = (keys.BLOBS, keys.BLOB_CHUNKS, keys.BLOB_REFERENCES)
    return sum(len(tr.kv.get_range(*tenant.space(name).range())) for name in names)


@pytest.mark.timeout(300)
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=25))
async def test_any_sequence_leaves_nothing_astray_and_nothing_behind(
    database: Database, tenant: TenantKeys, keyspace: Keyspace, clock: FakeClock, steps: list[Step]
) -> None:
    world = World(database, tenant, clock)
    for step in steps:
        await world.do(step)
    await Cascades(database).finish_all()
    # A failed upload is collected by the next retention that gets through; the one in the sequence may not have.
    await Retention(database).run_all()
    assert (await examine(database)).problems == []

    service = SessionService(database)
    for session in await database.read(lambda tr: WorkspaceSessions(tenant).list_all(tr).items):
        await service.delete(tenant, session.id)
    for talk in await database.read(lambda tr: Conversations(tenant).list_all(tr).items):
        await ConversationService(database).delete(tenant, talk.id)
    clock.move(limits.blob_grace_seconds + 1)
    await Retention(database).run_all()

    assert await database.read(lambda tr: blob_rows(tr, tenant)) == 0
    assert (await examine(database)).problems == []
    assert await database.read(lambda tr: tr.kv.get_range(*keyspace.root[keys.DELETIONS].range())) == []
