"""Blobs: whole and as named, no slice without a header, no reference without an owner, their bytes counted."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sidecar import limits
from sidecar.errors import UNREADABLE, CorruptStoreError
from sidecar.repositories import keys
from sidecar.repositories.base import Repository
from sidecar.repositories.blobs import Blobs, digest_of, header_of
from sidecar.repositories.idempotency import KIND, Idempotency
from sidecar.repositories.registry import REPOSITORIES
from sidecar.repositories.transactions import Reading, Writing
from sidecar.services.doctor.findings import Problem, Steps, Tally, can_repair
from sidecar.store.tuples import Items, strinc


class Named(NamedTuple):
    """What an owner of blobs names.

    Attributes:
        owner: What stands for it among the references.
        digests: The blobs.
        who: The owner, for a person.
    """

    owner: Items
    digests: Collection[bytes]
    who: str


async def check(steps: Steps, tenant: keys.TenantKeys, expected_references: int) -> Tally:
    """Check the blobs of a tenant; ``expected_references`` is how many its records should have."""
    blobs, answers = Blobs(tenant), Idempotency(tenant)
    tally = await steps.along(answers.begin, lambda tr, at: _answers(tenant, answers, tr, at))
    expected_references += tally.expected.pop(keys.BLOB_REFERENCES, 0)
    tally.take(await steps.along(blobs.headers.range()[0], lambda tr, at: _contents(tenant, blobs, tr, at)))
    tally.take(await steps.along(blobs.chunks.range()[0], lambda tr, at: _slices(tenant, blobs, tr, at)))
    begin = blobs.references.range()[0]
    references = await steps.along(begin, lambda tr, at: _count(blobs, tr, at))
    if references.rows[keys.BLOB_REFERENCES] != expected_references:
        tally.take(await steps.along(begin, lambda tr, at: _references(tenant, blobs, tr, at)))
    tally.take(references)
    tally.sums[blobs.bytes_key] += 0  # so that it is compared when no blob is left, too
    return tally


def look_up(tr: Reading, tenant: keys.TenantKeys, named: Sequence[Named]) -> Tally:
    """Check that the blobs which some owners name are there, and know of them."""
    tally, blobs = Tally(), Blobs(tenant)
    pairs = [(each, digest) for each in named for digest in each.digests]
    headers = blobs.find_headers(tr, [digest for _, digest in pairs])
    references = [blobs.references.pack((digest, *each.owner)) for each, digest in pairs]
    known = tr.kv.get_many(references, snapshot=True)
    for (each, digest), header, key, value in zip(pairs, headers, references, known, strict=True):
        tally.expected[keys.BLOB_REFERENCES] += 1
        if header is None or not header.is_whole:
            what = f"{each.who} names the blob {digest.hex()}, which is lost."
            tally.problems.append(Problem("blob", what, repaired=False, tenant_id=tenant.tenant_id))
        if value is None:
            if isinstance(tr, Writing):
                tr.kv.set(key, b"")
            what = f"{each.who} is not among those that name the blob {digest.hex()}."
            tally.problems.append(Problem("blob", what, can_repair(tr), tenant.tenant_id))
    return tally


def _answers(tenant: keys.TenantKeys, answers: Idempotency, tr: Reading, begin: bytes) -> Tally:
    """Look up what a few kept answers name."""
    tally, named = Tally(), []
    for key, owner, digests in answers.naming(tr, begin):
        tally.rows[keys.IDEMPOTENCY_BY_TIME] += 1
        named.append(Named(owner, digests, "An answer that is kept for its repeat"))
        tally.next_key = key + b"\x00"
    tally.take(look_up(tr, tenant, named))
    return tally


def _contents(tenant: keys.TenantKeys, blobs: Blobs, tr: Reading, begin: bytes) -> Tally:
    """Check one blob a step: a single one may have megabytes."""
    rows = tr.kv.get_range(begin, blobs.headers.range()[1], limit=1, snapshot=True)
    if not rows:
        return Tally()
    key, row = rows[0]
    tally = Tally(next_key=key + b"\x00")
    tally.rows[keys.BLOBS] += 1
    digest, header = blobs.digest_in(key), header_of(row)
    is_old = header.at_ms < tr.now_ms - limits.blob_grace_seconds * 1_000
    if not blobs.is_named(tr, digest):
        if is_old:  # a younger one may be waiting for its record, also across a stop of the daemon
            if isinstance(tr, Writing):
                blobs.remove(tr, digest)
            problem = Problem("blob", f"Nothing names the blob {digest.hex()}.", can_repair(tr), tenant.tenant_id)
            tally.problems.append(problem)
        if is_old and can_repair(tr):
            return tally
    elif not header.is_whole or not _is_intact(blobs, tr, digest):
        what = f"The blob {digest.hex()} is not what it was; the records that name it can't be read whole."
        tally.problems.append(Problem("blob", what, repaired=False, tenant_id=tenant.tenant_id))
    if header.is_whole:
        tally.sums[blobs.bytes_key] += header.size
    return tally


def _is_intact(blobs: Blobs, tr: Reading, digest: bytes) -> bool:
    try:
        return digest_of(blobs.get(tr, digest)) == digest
    except CorruptStoreError:
        return False


def _slices(tenant: keys.TenantKeys, blobs: Blobs, tr: Reading, begin: bytes) -> Tally:
    """Look at one blob's slices a step."""
    rows = tr.kv.get_range(begin, blobs.chunks.range()[1], limit=1, snapshot=True)
    if not rows:
        return Tally()
    digest = blobs.digest_in(rows[0][0])
    tally = Tally(next_key=strinc(blobs.chunks.pack((digest,))))
    if blobs.header(tr, digest) is None:
        if isinstance(tr, Writing):
            blobs.remove(tr, digest)
        what = f"There are slices of a blob without a header: {digest.hex()}."
        tally.problems.append(Problem("blob", what, can_repair(tr), tenant.tenant_id))
    return tally


def _count(blobs: Blobs, tr: Reading, begin: bytes) -> Tally:
    rows = tr.kv.get_range(begin, blobs.references.range()[1], limit=limits.doctor_batch_rows, snapshot=True)
    tally = Tally(next_key=rows[-1][0] + b"\x00" if len(rows) == limits.doctor_batch_rows else None)
    tally.rows[keys.BLOB_REFERENCES] += len(rows)
    return tally


def _references(tenant: keys.TenantKeys, blobs: Blobs, tr: Reading, begin: bytes) -> Tally:
    rows = tr.kv.get_range(begin, blobs.references.range()[1], limit=limits.doctor_batch_rows, snapshot=True)
    tally = Tally(next_key=rows[-1][0] + b"\x00" if len(rows) == limits.doctor_batch_rows else None)
    owners = {repository.kind: repository(tenant) for repository in REPOSITORIES if repository.large}
    answers = Idempotency(tenant)
    for key, _ in rows:
        digest, kind, *place = blobs.references.unpack(key)
        if kind == KIND:
            is_named = answers.names(tr, tuple(place), digest)
        else:
            is_named = _is_named_by(owners.get(str(kind)), tr, tuple(place), digest)
        if is_named:
            continue
        if isinstance(tr, Writing):
            tr.kv.clear(key)
        what = f"A reference to the blob {blobs.digest_in(key).hex()} is of nothing that names it."
        tally.problems.append(Problem("blob", what, can_repair(tr), tenant.tenant_id))
    return tally


def _is_named_by(owner: Repository[Any] | None, tr: Reading, place: Items, digest: object) -> bool:
    value = None if owner is None else tr.kv.get(owner.records.pack(place), snapshot=True)
    if owner is None or value is None:
        return False
    try:
        return digest in owner.named_in(tr, value)
    except UNREADABLE:  # of a record that can't be read, nobody can tell
        return True
