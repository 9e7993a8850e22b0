"""Values over a row's limit: stored once, whole or not at all, and gone when nothing names them."""

import asyncio

import pytest

from sidecar import limits
from sidecar.errors import CorruptStoreError, LimitExceededError, TransactionError
from sidecar.models.agents import Agent
from sidecar.repositories import counters
from sidecar.repositories.agents import BY_TYPE, Agents
from sidecar.repositories.blobs import Blobs, digest_of
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Database, Reading, Writing
from tests.clocks import FakeClock
from tests.contract.repositories.samples import NOW_MS, TENANT_ID

CONTENT = bytes(range(256)) * 2_000  # half a megabyte
DIGEST = digest_of(CONTENT)
OWNER = ("agents", b"nobody")


@pytest.fixture
def blobs(tenant: TenantKeys) -> Blobs:
    return Blobs(tenant)


def agent(memory: str) -> Agent:
    """Return an agent with something to remember."""
    return Agent.new(tenant_id=TENANT_ID, name="a", agent_type="specialist", now_ms=NOW_MS, memory={"all": memory})


def rows(tr: Reading, blobs: Blobs) -> tuple[int, int, int]:
    """Return how many headers, slices and references there are."""
    headers, chunks, references = blobs.headers.range(), blobs.chunks.range(), blobs.references.range()
    return len(tr.kv.get_range(*headers)), len(tr.kv.get_range(*chunks)), len(tr.kv.get_range(*references))


@pytest.mark.parametrize(
    "size", [0, 1, limits.blob_slice_bytes, limits.blob_slice_bytes + 1, 500_000, 8_350_000, limits.blob_bytes_max]
)
async def test_a_content_of_any_size_is_read_back(database: Database, blobs: Blobs, size: int) -> None:
    content = (CONTENT * 17)[:size]
    await database.transact(lambda tr: blobs.ensure(tr, digest_of(content), content))

    assert await database.read(lambda tr: blobs.get(tr, digest_of(content))) == content


async def test_a_batch_of_large_records_ends_where_their_slices_come_to_its_limit(
    database: Database, tenant: TenantKeys
) -> None:
    agents = Agents(tenant)
    large = [agent(str(number) * 9 * limits.blob_slice_bytes) for number in range(5)]
    for each in large:
        await database.transact(lambda tr, new=each: agents.create(tr, new))  # type: ignore[misc] # bound per turn
    between = agents.spaces[BY_TYPE.name].range()

    removed = await database.transact(lambda tr: agents.delete_between(tr, BY_TYPE, between, limit=20))

    assert removed == 2
    assert await database.read(lambda tr: agents.list_all(tr).items) == large[2:]


async def test_a_large_record_is_read_back_replaced_and_removed_without_a_rest(
    database: Database, tenant: TenantKeys, blobs: Blobs
) -> None:
    agents, small, large = Agents(tenant), agent("x"), agent("x" * 300_000)
    await database.transact(lambda tr: agents.create(tr, large))
    assert await database.read(lambda tr: agents.get(tr, large.id)) == large
    assert await database.read(lambda tr: agents.find_json(tr, large.id)) == large.to_json()
    assert await database.read(lambda tr: agents.list_all(tr).items) == [large]
    assert await database.read(lambda tr: rows(tr, blobs)) == (1, 4, 1)
    await database.transact(lambda tr: agents.update(tr, large.id, {"memory": {"all": "y" * 300_000}}))
    assert await database.read(lambda tr: rows(tr, blobs)) == (1, 4, 1)

    await database.transact(lambda tr: agents.update(tr, large.id, {"memory": small.memory}))

    assert await database.read(lambda tr: rows(tr, blobs)) == (0, 0, 0)
    assert await database.read(lambda tr: counters.value(tr, blobs.bytes_key)) == 0


async def test_one_content_of_two_owners_goes_with_the_second(database: Database, blobs: Blobs) -> None:
    def name(tr: Writing, owner: bytes) -> None:
        blobs.ensure(tr, DIGEST, CONTENT)
        blobs.move_references(tr, ("kind", owner), (), (DIGEST,))

    await database.transact(lambda tr: name(tr, b"one"))
    await database.transact(lambda tr: name(tr, b"two"))
    assert await database.read(lambda tr: rows(tr, blobs)) == (1, 7, 2)

    await database.transact(lambda tr: blobs.move_references(tr, ("kind", b"one"), (DIGEST,), ()))
    assert await database.read(lambda tr: blobs.get(tr, DIGEST)) == CONTENT

    await database.transact(lambda tr: blobs.move_references(tr, ("kind", b"two"), (DIGEST,), ()))
    assert await database.read(lambda tr: rows(tr, blobs)) == (0, 0, 0)


async def test_an_upload_in_pieces_is_invisible_until_whole_and_anyone_can_go_on(
    database: Database, blobs: Blobs
) -> None:
    def piece(tr: Writing) -> bool:
        return blobs.write_slices(tr, DIGEST, CONTENT, bytes_max=200_000)

    assert not await database.transact(piece)
    with pytest.raises(CorruptStoreError):
        await database.read(lambda tr: blobs.get(tr, DIGEST))
    assert await database.read(lambda tr: counters.value(tr, blobs.bytes_key)) == 0

    assert [await database.transact(piece) for _ in range(3)] == [False, False, True]

    assert await database.read(lambda tr: blobs.get(tr, DIGEST)) == CONTENT
    assert await database.read(lambda tr: counters.value(tr, blobs.bytes_key)) == len(CONTENT)


async def test_what_nothing_names_is_kept_for_a_grace_and_then_collected_whole_or_partial(
    database: Database, blobs: Blobs, clock: FakeClock
) -> None:
    await database.transact(lambda tr: blobs.write_slices(tr, DIGEST, CONTENT, bytes_max=200_000))
    await database.transact(lambda tr: blobs.ensure(tr, digest_of(b"whole"), b"whole"))
    clock.move(limits.blob_grace_seconds)
    await database.transact(lambda tr: blobs.ensure(tr, digest_of(b"young"), b"young"))

    def collect(tr: Writing) -> int:
        return blobs.collect(tr, b"", limit=10).removed

    assert await database.transact(collect) == 0
    clock.move(1)
    assert await database.transact(collect) == 2
    assert await database.read(lambda tr: rows(tr, blobs)) == (1, 0, 0)


async def test_a_collection_and_who_begins_to_rely_on_a_blob_never_both_win(
    database: Database, tenant: TenantKeys, blobs: Blobs, clock: FakeClock
) -> None:
    large = agent("z" * 200_000)
    stored = b"\x01" + large.to_json()
    await database.transact(lambda tr: blobs.ensure(tr, digest_of(stored), stored))
    clock.move(limits.blob_grace_seconds + 1)
    collector, writer = database.engine.begin(), database.engine.begin()
    assert blobs.collect(Writing(collector, clock.now_ms()), b"", limit=10).removed == 1
    Agents(tenant).create(Writing(writer, clock.now_ms()), large)

    outcomes = []
    for transaction in (collector, writer):
        try:
            await asyncio.to_thread(transaction.commit)
        except TransactionError as error:
            outcomes.append(error.number)
        else:
            outcomes.append(0)
            transaction.cancel()

    assert outcomes == [0, 1020]
    await database.transact(lambda tr: Agents(tenant).create(tr, large))  # what the writer's next try does
    assert await database.read(lambda tr: Agents(tenant).get(tr, large.id)) == large


async def test_a_value_over_the_limit_is_refused(database: Database, blobs: Blobs) -> None:
    content = bytes(limits.blob_bytes_max + 1)

    with pytest.raises(LimitExceededError):
        await database.transact(lambda tr: blobs.ensure(tr, digest_of(content), content))
