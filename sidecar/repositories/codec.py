"""A record's stored bytes: a format byte, then the JSON; or, of a large record, the digest of the blob that holds both.

Of most kinds a GET of one record sends the JSON without decoding it.
"""

import re
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from sidecar.errors import CorruptStoreError, StoreFormatError
from sidecar.models.base import Record

FORMAT = 1
_JSON = bytes([FORMAT])
_REFERENCE = b"\x02"
DIGEST_BYTES = 32
REFERENCE_BYTES = len(_REFERENCE) + DIGEST_BYTES

R = TypeVar("R", bound=Record)


def encode(record: Record) -> bytes:
    """Return the bytes to store."""
    return _JSON + record.stored_json()


def reference(digest: bytes) -> bytes:
    """Return what is stored in place of a record's bytes when a blob holds them."""
    return _REFERENCE + digest


def referenced(value: bytes) -> bytes | None:
    """Return the digest of the blob that stored bytes refer to, or None when they are the record's own."""
    return value[1:] if value[:1] == _REFERENCE and len(value) == REFERENCE_BYTES else None


def json_of(value: bytes) -> bytes:
    """Return the JSON text inside stored bytes.

    Raises:
        StoreFormatError: A newer version wrote it.
    """
    if value[:1] != _JSON:
        found = value[0] if value else None
        raise StoreFormatError(f"A record has format {found}; this version of Sidecar reads format {FORMAT}.")
    return value[1:]


def decode(model: type[R], value: bytes) -> R:
    """Return the record inside stored bytes.

    Raises:
        CorruptStoreError: They are not what was written.
    """
    try:
        return model.model_validate_json(json_of(value))
    except ValidationError as error:
        raise CorruptStoreError(
            f"A stored {model.__name__} can't be read ({error.error_count()} problems); `sidecar doctor` tells more."
        ) from error


class Served(NamedTuple):
    """A record's JSON as the API serves it, with what it begins with besides ids and times."""

    text: bytes
    version: int
    user_id: str | None


def served(text: bytes) -> Served:
    """Return a record's JSON with version and owner, without parsing the rest: they are among its first members."""
    found = _HEAD.match(text)
    assert found is not None  # noqa: S101 - every record begins so
    version, owner = found.groups()
    return Served(text, int(version), None if owner is None else owner.decode())


_HEAD = re.compile(
    rb'\{"id":"[^"]*","tenant_id":"[^"]*","created_at":"[^"]*","updated_at":"[^"]*","version":(\d+)'
    rb'(?:,"user_id":"([^"]*)")?'
)
