"""How rows are read.

Many rows are waited for together: on a cluster each wait is a journey, and a transaction has five seconds.
"""

import asyncio
from functools import partial

import pytest

from sidecar.errors import NotFoundError, TransactionError, UnavailableError
from sidecar.models.files import FileEntry
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories.files import Files
from sidecar.repositories.keys import Keyspace, TenantKeys
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.doctor.examination import examine
from tests.clocks import FakeClock
from tests.contract.failing import FailingEngine, Fuse
from tests.contract.repositories.samples import OWNER, TENANT_ID

FEW, MANY = 3, 40
PATH = "/home/you/project"


@pytest.fixture
def fuse() -> Fuse:
    return Fuse(0, lambda: NotFoundError("never"))


@pytest.fixture
def counted(database: Database, clock: FakeClock, keyspace: Keyspace, fuse: Fuse) -> Database:
    """Return the database, whose reads the fuse counts."""
    return Database(FailingEngine(database.engine, fuse), clock, keyspace)


def sessions(tr: Writing, tenant: TenantKeys, amount: int) -> None:
    for number in range(amount):
        made = WorkspaceSession.new(
            tenant_id=TENANT_ID, user_id=OWNER, name=f"{number}", workspace_path=PATH, tags=["a"], now_ms=tr.now_ms
        )
        WorkspaceSessions(tenant).create(tr, made.model_copy(update={"active_files": ["x" * 3_000]}))


async def test_the_doctor_does_not_wait_for_each_record(counted: Database, tenant: TenantKeys, fuse: Fuse) -> None:
    reads = []
    for amount in (FEW, MANY):
        await counted.transact(partial(sessions, tenant=tenant, amount=amount))
        fuse.reads = 0
        assert (await examine(counted)).problems == []
        reads.append(fuse.reads)

    assert reads[1] == reads[0]


@pytest.mark.parametrize("what", ["changed", "gone"])
async def test_a_batch_of_files_does_not_wait_for_each(
    counted: Database, tenant: TenantKeys, fuse: Fuse, what: str
) -> None:
    files, reads = Files(tenant), []
    for amount in (FEW, MANY):
        folder = b"%d/" % amount
        new = [
            FileEntry(folder + b"%d" % number, "", 1, 1, number, b"\x01" * 32, "file", is_deleted=False)
            for number in range(amount)
        ]
        await counted.transact(partial(files.put_entries, workspace_path=PATH, seen=new, gone=[]))
        known = await counted.read(partial(files.list_entries, workspace_path=PATH, under=folder, limit=amount))
        assert len(known) == amount
        fuse.reads = 0
        if what == "changed":
            seen = [entry._replace(mtime_ns=2) for entry in known]
            await counted.transact(partial(files.put_entries, workspace_path=PATH, seen=seen, gone=[]))
        else:
            await counted.transact(partial(files.put_entries, workspace_path=PATH, seen=[], gone=known))
        reads.append(fuse.reads)

    assert reads[1] == reads[0]


async def test_a_store_that_does_not_answer_is_said_to_be_away(database: Database) -> None:
    silent = Database(FailingEngine(database.engine, Fuse(1, lambda: TransactionError(1031))), database.clock)

    with pytest.raises(UnavailableError, match="did not answer in time"):
        await asyncio.to_thread(silent.read_here, lambda tr: tr.kv.get(b"a"))
