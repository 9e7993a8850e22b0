"""Messages in order, counts without conflicts, and deep pages without the bodies that are skipped."""

import asyncio
from functools import partial

import pytest

from sidecar.errors import ConflictError, InvalidError, NotFoundError
from sidecar.ids import IdSource, id_bytes, new_id
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import Messages
from sidecar.repositories.transactions import Database, Writing
from sidecar.services.conversations import ConversationService
from tests.contract.failing import FailingEngine, Fuse
from tests.contract.repositories.samples import NOW_MS, OWNER, TENANT_ID


def conversation() -> Conversation:
    """Return a conversation that is not stored yet."""
    return Conversation.new(tenant_id=TENANT_ID, user_id=OWNER, ai_provider="p", title="t", now_ms=NOW_MS)


def message(of: Conversation, number: int, content: str = "") -> Message:
    """Return a message that is not stored yet."""
    return Message.new(
        tenant_id=TENANT_ID,
        conversation_id=of.id,
        role="assistant",
        content=content or f"message {number}",
        now_ms=NOW_MS,
        token_count=number,
    )


@pytest.fixture
def service(database: Database) -> ConversationService:
    return ConversationService(database)


async def test_50_writers_at_once_never_conflict_and_the_counts_are_exact(
    database: Database, tenant: TenantKeys, service: ConversationService
) -> None:
    talk = await service.create(tenant, conversation())
    runs = 0

    def body(each: Message, tr: Writing) -> None:
        nonlocal runs
        runs += 1
        Conversations(tenant).get(tr, each.conversation_id)
        Messages(tenant).create(tr, Messages(tenant).behind_all(tr, each))

    async def write(writer: int) -> None:
        for number in range(10):
            await database.transact(partial(body, message(talk, writer * 10 + number)))

    await asyncio.gather(*(write(writer) for writer in range(50)))

    assert runs == 500  # nobody had to try again
    stored = await database.read(lambda tr: Conversations(tenant).get(tr, talk.id))
    assert (stored.message_count, stored.token_count) == (500, sum(range(500)))
    assert await database.read(lambda tr: Messages(tenant).count_tokens(tr, talk.id)) == sum(range(500))


async def test_a_message_is_behind_those_of_a_clock_that_has_been_set_back_since(
    database: Database, tenant: TenantKeys, service: ConversationService
) -> None:
    talk, before_a_restart = await service.create(tenant, conversation()), IdSource()
    ahead_ms = int.from_bytes(id_bytes(new_id(NOW_MS))[:6], "big") + 86_400_000  # of all ids of this process
    for number in range(3):
        early = message(talk, number).model_copy(update={"id": before_a_restart.new(ahead_ms)})
        await service.add_message(tenant, early)
    await asyncio.gather(*(service.add_message(tenant, message(talk, 3)) for _ in range(20)))
    last = await service.add_message(tenant, message(talk, 4))

    stored = await database.read(lambda tr: Messages(tenant).list_by_conversation(tr, talk.id))

    assert [each.token_count for each in stored] == [0, 1, 2, *[3] * 20, 4]
    assert stored[-1] == last
    assert new_id(NOW_MS) < last.id, "ids of other records are of this clock"


async def test_counts_follow_updates_and_deletions_and_nobody_else_sets_them(
    database: Database, tenant: TenantKeys, service: ConversationService
) -> None:
    talk, messages = await service.create(tenant, conversation()), Messages(tenant)
    one = await service.add_message(tenant, message(talk, 5))
    two = await service.add_message(tenant, message(talk, 7))
    await database.transact(lambda tr: messages.update(tr, one.id, {"token_count": 50}))
    await database.transact(lambda tr: messages.delete(tr, two.id))
    await database.transact(lambda tr: Conversations(tenant).update(tr, talk.id, {"message_count": 99, "title": "new"}))

    stored = await database.read(lambda tr: Conversations(tenant).get(tr, talk.id))

    assert (stored.message_count, stored.token_count, stored.title) == (1, 50, "new")


@pytest.mark.parametrize("offset", [0, 1, 3, 5, 6, 9, 10, 11, 500])
async def test_any_offset_and_limit_are_a_slice_of_the_whole(
    database: Database, tenant: TenantKeys, service: ConversationService, offset: int
) -> None:
    before, talk, behind = [await service.create(tenant, conversation()) for _ in range(3)]
    for each in (before, talk, behind):
        for number in range(10):
            await service.add_message(tenant, message(each, number))

    for limit in (1, 3, 10):
        found = await database.read(
            lambda tr, limit=limit: Messages(tenant).list_by_conversation(tr, talk.id, offset=offset, limit=limit)  # type: ignore[misc] # bound per turn
        )
        assert [each.token_count for each in found] == list(range(10))[offset : offset + limit]


async def test_a_deep_page_reads_only_its_own_bodies(
    database: Database, tenant: TenantKeys, service: ConversationService
) -> None:
    talk, messages = await service.create(tenant, conversation()), Messages(tenant)
    for number in range(60):
        await service.add_message(tenant, message(talk, number, "x" * 200_000))
    fuse = Fuse(0, lambda: NotFoundError("never"))
    counted = Database(FailingEngine(database.engine, fuse), database.clock, database.keyspace)

    found = await counted.read(lambda tr: messages.list_by_conversation(tr, talk.id, offset=50, limit=2))

    assert [each.token_count for each in found] == [50, 51]
    assert fuse.count <= 3 + 2 * 3  # count, place, range; then a row, a header and the slices for each


async def test_an_offset_below_0_and_a_limit_of_0_are_refused(database: Database, tenant: TenantKeys) -> None:
    for offset, limit in ((-1, 1), (0, 0)):
        with pytest.raises(InvalidError):
            await database.read(
                lambda tr, o=offset, n=limit: Messages(tenant).list_by_conversation(tr, OWNER, offset=o, limit=n)  # type: ignore[misc] # bound per turn
            )


async def test_nothing_is_added_to_a_conversation_that_is_deleted_or_not_there(
    database: Database, tenant: TenantKeys, service: ConversationService
) -> None:
    talk = await service.create(tenant, conversation())
    await database.transact(lambda tr: Conversations(tenant).update(tr, talk.id, {"status": "deleted"}))

    with pytest.raises(ConflictError):
        await service.add_message(tenant, message(talk, 1))
    with pytest.raises(NotFoundError):
        await service.add_message(tenant, message(conversation(), 1))
