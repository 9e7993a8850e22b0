"""Which tenant and owner are this machine's own: made at the first start; a lost owner is replaced."""

import json
from typing import NamedTuple

from sidecar.errors import CorruptStoreError
from sidecar.repositories import keys
from sidecar.repositories.transactions import Reading, Writing


class Machine(NamedTuple):
    """The machine's own tenant and its owner."""

    tenant_id: str
    user_id: str


def find(tr: Reading, keyspace: keys.Keyspace) -> Machine | None:
    """Return the machine's own tenant and owner, or None before the first start is complete.

    Raises:
        CorruptStoreError: The row can't be read.
    """
    value = tr.kv.get(keyspace.root[keys.MACHINE].raw)
    try:
        return None if value is None else Machine(**json.loads(value[1:]))
    except (ValueError, TypeError) as error:
        raise CorruptStoreError("The row that names this machine's own tenant and owner can't be read.") from error


def put(tr: Writing, keyspace: keys.Keyspace, machine: Machine) -> None:
    """Store the machine's own tenant and owner."""
    tr.kv.set(keyspace.root[keys.MACHINE].raw, b"\x01" + json.dumps(machine._asdict()).encode())
