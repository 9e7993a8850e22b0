"""The arithmetic of the atomic operations: pure functions of the present value and the parameter.

Source: FoundationDB documentation, "Atomic operations" (API version 510 and later); the recorded traces hold each on
every kind of value. Called by the write map (reads of own writes) and by the writer.
"""

from collections.abc import Callable

from sidecar import limits
from sidecar.store.engine import AtomicOp

Operation = Callable[[bytes | None, bytes], bytes | None]


def _fitted(value: bytes, length: int) -> bytes:
    """Return a little-endian number cut or padded to ``length`` bytes."""
    return value[:length].ljust(length, b"\x00")


def _number(value: bytes) -> int:
    return int.from_bytes(value, "little")


def _add(value: bytes | None, param: bytes) -> bytes:
    if not value or not param:
        return param
    length = len(param)
    return ((_number(value[:length]) + _number(param)) % (1 << 8 * length)).to_bytes(length, "little")


def _bit_and(value: bytes | None, param: bytes) -> bytes:
    if value is None:
        return param
    return (_number(value[: len(param)]) & _number(param)).to_bytes(len(param), "little")


def _bit_or(value: bytes | None, param: bytes) -> bytes:
    return (_number((value or b"")[: len(param)]) | _number(param)).to_bytes(len(param), "little")


def _bit_xor(value: bytes | None, param: bytes) -> bytes:
    return (_number((value or b"")[: len(param)]) ^ _number(param)).to_bytes(len(param), "little")


def _max(value: bytes | None, param: bytes) -> bytes:
    fitted = _fitted(value or b"", len(param))
    return fitted if _number(fitted) > _number(param) else param


def _min(value: bytes | None, param: bytes) -> bytes:
    if value is None:
        return param
    fitted = _fitted(value, len(param))
    return fitted if _number(fitted) < _number(param) else param


def _byte_min(value: bytes | None, param: bytes) -> bytes:
    return param if value is None else min(value, param)


def _byte_max(value: bytes | None, param: bytes) -> bytes:
    return param if value is None else max(value, param)


def _append_if_fits(value: bytes | None, param: bytes) -> bytes:
    if value is None:
        return param
    return value + param if len(value) + len(param) <= limits.store_value_bytes_max else value


def _compare_and_clear(value: bytes | None, param: bytes) -> bytes | None:
    return None if value == param else value


OPERATIONS: dict[AtomicOp, Operation] = {
    AtomicOp.ADD: _add,
    AtomicOp.BIT_AND: _bit_and,
    AtomicOp.BIT_OR: _bit_or,
    AtomicOp.BIT_XOR: _bit_xor,
    AtomicOp.MAX: _max,
    AtomicOp.MIN: _min,
    AtomicOp.BYTE_MIN: _byte_min,
    AtomicOp.BYTE_MAX: _byte_max,
    AtomicOp.APPEND_IF_FITS: _append_if_fits,
    AtomicOp.COMPARE_AND_CLEAR: _compare_and_clear,
}
