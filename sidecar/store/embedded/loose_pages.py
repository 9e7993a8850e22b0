"""Rows from the leaf pages of a file whose tree can not be followed: the last resort of a salvage.

Parses LMDB's pages by itself, in plain Python, and believes nothing: a page or row that does not add up is passed
over. Pages that the store no longer uses are still in the file, so deleted and older rows may be among those found.
Source of the format: LMDB 0.9, ``mdb.c`` (MDB_page, MDB_node).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from sidecar import limits

_HEADER = struct.Struct("<QHHHH")  # number, padding, flags, end of the pointers, begin of the rows
_NODE = struct.Struct("<HHHH")  # length of the value (low, high), flags, length of the key
_LEAF, _OVERFLOW, _BIG_VALUE = 0x02, 0x04, 0x01


def rows_of_leaf_pages(path: Path, page_bytes: int) -> dict[bytes, bytes]:
    """Return the rows of all leaf pages; of several with one key, the one that lies last in the file."""
    data = path.read_bytes()
    rows: dict[bytes, bytes] = {}
    for number in range(2, len(data) // page_bytes):
        rows.update(_leaf_rows(data, number, page_bytes))
    return rows


def _leaf_rows(data: bytes, number: int, page_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    start = number * page_bytes
    stored, _, flags, lower, upper = _HEADER.unpack_from(data, start)
    if stored != number or flags & 0xF != _LEAF or not _HEADER.size <= lower <= upper <= page_bytes:
        return
    for pointer in range(_HEADER.size, lower, 2):
        at = int.from_bytes(data[start + pointer : start + pointer + 2], "little")
        if not lower <= at <= page_bytes - _NODE.size:
            continue
        low, high, node_flags, key_bytes = _NODE.unpack_from(data, start + at)
        begin = start + at + _NODE.size
        key = data[begin : begin + key_bytes]
        value = _value(data, begin + key_bytes, low | high << 16, page_bytes, big=bool(node_flags & _BIG_VALUE))
        if value is not None and 0 < key_bytes <= limits.store_embedded_key_bytes_max + 1:
            yield key, value


def _value(data: bytes, at: int, size: int, page_bytes: int, *, big: bool) -> bytes | None:
    if size > limits.store_value_bytes_max:
        return None
    if big:
        number = int.from_bytes(data[at : at + 8], "little")
        if (number + 1) * page_bytes > len(data):
            return None
        stored, _, flags, _, _ = _HEADER.unpack_from(data, number * page_bytes)
        if stored != number or flags & 0xF != _OVERFLOW:
            return None
        at = number * page_bytes + _HEADER.size
    return data[at : at + size] if at + size <= len(data) else None
