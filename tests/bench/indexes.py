"""Lists by index: whether their first page costs the same at a million records as at a thousand, and more of the kind.

A store is filled by copying the rows that one record makes, with another id in them: a million of each kind in seconds.
Prints tables, asserts nothing.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import lmdb

from sidecar.clock import SystemClock
from sidecar.ids import id_bytes
from sidecar.models.files import FileEntry
from sidecar.repositories import counters, keys
from sidecar.repositories.base import Repository
from sidecar.repositories.files import Files
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.messages import COUNT, Messages
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.workspace_sessions import RECENT, WorkspaceSessions
from sidecar.services.doctor.examination import examine
from sidecar.store.engine import Transaction
from sidecar.store.opening import open_engine
from tests.contract.repositories.samples import KINDS, OWNER, TENANT_ID, Kind, an_id, tenant_record

TEMPLATE = 1_123_456  # as many digits as every number that takes its place
FIRST = 2_000_000
PAGE = 50
FEW = 1_000
BATCH_BYTES = 6_000_000
FILES = 80_000
FILES_BATCH = 2_000
MESSAGES = 100_000
Rows = list[tuple[bytes, bytes]]


def main(arguments: list[str]) -> int:
    """Run all measurements."""
    parser = argparse.ArgumentParser(prog="scripts/bench indexes")
    parser.add_argument("--records", type=int, default=1_000_000, help="records of each kind in the large store")
    parser.add_argument("--kind", action="append", help="only these repositories, for example Files")
    parser.add_argument("--folder", type=Path, default=None, help="where to make the stores (default: a temporary one)")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="sidecar-bench-", dir=options.folder))
    try:
        asyncio.run(_all(folder, options.records, options.kind))
    finally:
        shutil.rmtree(folder)
    return 0


async def _all(folder: Path, records: int, only: list[str] | None) -> None:
    print(f"{'first page of 50':44}{f'{FEW:,}':>12}{f'{records:,}':>12}{'ratio':>8}  bar 1.30")
    for kind in KINDS:
        if only is None or str(kind) in only:
            with _store(folder) as place:
                await _lists(place, kind, records)
    if only is None or "Messages" in only:
        with _store(folder) as place:
            await _deep_pages(place)
    if only is None or "Files" in only:
        with _store(folder) as place:
            await _doctor(place)


@contextmanager
def _store(folder: Path) -> Iterator[Path]:
    place = folder / "store"
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


async def _open(place: Path) -> tuple[Database, TenantKeys]:
    database = Database(await open_engine(f"embedded:{place}", clock=SystemClock()), SystemClock())
    await database.transact(lambda tr: tenant_record(tr, database.keyspace, TENANT_ID))
    return database, database.keyspace.tenant(TENANT_ID)


async def _lists(place: Path, kind: Kind, records: int) -> None:
    """Measure a small store and a large one by turns, so that both meet the same noise of the machine."""
    small, tenant = await _open(place / "few")
    large, _ = await _open(place / "many")
    template = await _template(small, tenant, kind)
    await _fill(small, template, 0, FEW)
    await _fill(large, template, 0, records)
    for name, body in _first_pages(kind.repository(tenant)):
        few, many = await _medians([small, large], body)
        print(f"{name:44}{_us(few):>12}{_us(many):>12}{many / few:>8.2f}")
    if kind.repository is WorkspaceSessions:
        (recent,) = await _medians([large], lambda tr: WorkspaceSessions(tenant).recent_sessions(tr, OWNER, limit=PAGE))
        raw = _raw_scan(place / "raw")
        print(
            f"{'recent_sessions(50) at that size':44}{_us(recent):>12}   bar 1 ms; a raw 50-row LMDB scan: {_us(raw)}"
        )
    await small.engine.close()
    await large.engine.close()


async def _template(database: Database, tenant: TenantKeys, kind: Kind) -> Rows:
    """Return the rows that one record makes, but for the log and the counters."""
    rows_of = tenant.shared.range()
    before = set(await database.read(lambda tr: tr.kv.get_range(*rows_of)))
    await database.transact(lambda tr: kind.repository(tenant).create(tr, kind.make(TENANT_ID, TEMPLATE)))
    after = await database.read(lambda tr: tr.kv.get_range(*rows_of))
    noise = [tenant.space(name).raw for name in (keys.CHANGES, keys.CHANGES_HEAD, keys.CHANGES_COUNT)]
    noise += [tenant.space(counter.name).raw for counter in kind.repository.counters]
    return [row for row in after if row not in before and not row[0].startswith(tuple(noise))]


async def _fill(database: Database, template: Rows, begin: int, end: int) -> None:
    size = sum(3 * len(key) + len(value) + 60 for key, value in template)
    step = max(1, BATCH_BYTES // size)
    for at in range(begin, end, step):
        await database.engine.transact(_copies(template, at, min(at + step, end)), background=True)


def _copies(template: Rows, begin: int, end: int) -> Callable[[Transaction], None]:
    old_text, old_id, old_number = an_id(TEMPLATE).encode(), id_bytes(an_id(TEMPLATE)), b"%d" % TEMPLATE

    def body(tr: Transaction) -> None:
        for number in range(FIRST + begin, FIRST + end):
            text, raw, shown = an_id(number).encode(), id_bytes(an_id(number)), b"%d" % number
            for key, value in template:
                tr.set(
                    key.replace(old_id, raw).replace(old_number, shown),
                    value.replace(old_text, text).replace(old_id, raw).replace(old_number, shown),
                )

    return body


def _first_pages(repository: Repository[Any]) -> Iterator[tuple[str, Callable[[Reading], object]]]:
    name = type(repository).__name__
    yield f"{name}: all", lambda tr: repository.list_all(tr, limit=PAGE)
    for index in repository.indexes:
        if not index.shared:
            yield f"{name}: {index.name}", partial(repository.list_by, index=index, limit=PAGE, reverse=index is RECENT)


async def _deep_pages(place: Path) -> None:
    database, tenant = await _open(place)
    kind = next(kind for kind in KINDS if kind.repository is Messages)
    await _fill(database, await _template(database, tenant, kind), 0, MESSAGES - 1)
    talk = an_id(77)
    await database.transact(lambda tr: counters.put(tr, COUNT.key(tenant, (keys.id_element(talk),)), MESSAGES))
    for offset in (0, MESSAGES // 4, MESSAGES // 2, MESSAGES - PAGE):
        body = partial(Messages(tenant).list_by_conversation, conversation_id=talk, offset=offset, limit=PAGE)
        (seconds,) = await _medians([database], body, runs=20)
        print(f"{f'messages {offset:,} to {offset + PAGE:,} of {MESSAGES:,}':44}{_us(seconds):>12}")
    await database.engine.close()


async def _doctor(place: Path) -> None:
    database, tenant = await _open(place)
    seen = [
        FileEntry(
            path=b"src/package%d/module%d.py" % (number % 200, number),
            id="",
            size=number,
            mtime_ns=number,
            ctime_ns=number,
            inode=number,
            checksum=os.urandom(32),
            kind="file",
            is_deleted=False,
        )
        for number in range(FILES)
    ]
    began = time.perf_counter()
    for at in range(0, FILES, FILES_BATCH):
        await database.transact(_put(Files(tenant), seen[at : at + FILES_BATCH]), background=True)
    writing = time.perf_counter() - began
    began = time.perf_counter()
    report = await examine(database)
    examining = time.perf_counter() - began
    print(f"{f'put_entries, {FILES:,} new files':44}{writing / FILES * 1e6:>9.1f} us a file, commits and all")
    print(f"{f'doctor, {FILES:,} files':44}{examining:>10.2f} s   {len(report.problems)} problems")
    await database.engine.close()


def _put(files: Files, seen: list[FileEntry]) -> Callable[[Writing], None]:
    return lambda tr: files.put_entries(tr, "/w", seen, [])


def _raw_scan(place: Path) -> float:
    """Return the seconds that raw LMDB takes for 50 rows of an index and the 50 records that they name."""
    place.mkdir(parents=True)
    environment = lmdb.open(str(place), map_size=2**30)
    with environment.begin(write=True) as txn:
        for number in range(FEW):
            txn.put(b"recent/%020d" % number, b"%020d" % number)
            txn.put(b"record/%020d" % number, os.urandom(500))
    took: list[float] = []
    with environment.begin() as txn:
        for _ in range(200):
            began = time.perf_counter()
            cursor = txn.cursor()
            cursor.set_range(b"recent/%020d" % (FEW - PAGE))
            for _, (_, value) in zip(range(PAGE), cursor, strict=False):
                txn.get(b"record/" + value)
            took.append(time.perf_counter() - began)
    environment.close()
    shutil.rmtree(place)
    return statistics.median(took)


async def _medians(databases: list[Database], body: Callable[[Reading], object], *, runs: int = 300) -> list[float]:
    took: list[list[float]] = [[] for _ in databases]
    for _ in range(runs):
        for each, database in zip(took, databases, strict=True):
            began = time.perf_counter()
            await database.read(body)
            each.append(time.perf_counter() - began)
    return [statistics.median(each) for each in took]


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} us"
