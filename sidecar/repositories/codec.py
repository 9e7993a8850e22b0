"""A record's stored bytes: one format byte, then the JSON that the API serves.

A GET of one record sends the bytes after the first without decoding them.
"""

from typing import TypeVar

from pydantic import ValidationError

from sidecar.errors import CorruptStoreError, StoreFormatError
from sidecar.models.base import Record

FORMAT = 1
_PREFIX = bytes([FORMAT])

R = TypeVar("R", bound=Record)


def encode(record: Record) -> bytes:
    """Return the bytes to store."""
    return _PREFIX + record.to_json()


def json_of(value: bytes) -> bytes:
    """Return the JSON text inside stored bytes.

    Raises:
        StoreFormatError: A newer version wrote it.
    """
    if value[:1] != _PREFIX:
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
