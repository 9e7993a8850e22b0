"""argon2id as its library computes it, but on one thread: the lanes of a hash one after the other.

The result is the same standard text; the library's own way takes a thread for each lane, which on a small machine is
more than all of its cores. Measured on two: the event loop's p99 delay while hashing goes on was 6 ms with four threads
and 2 ms with one, at as many hashes a second. The binding used here is public but without promises, so a test compares
it with the library's own functions, both ways. Called by ``auth.passwords`` alone.
"""

import base64
import binascii
import hmac
import secrets

from argon2 import Parameters, extract_parameters
from argon2.exceptions import InvalidHashError
from argon2.low_level import core, ffi

_ID = 2  # Argon2id, RFC 9106, 3.1
_DEFAULT_FLAGS = 0  # argon2.h
_OK = 0


def new_hash(password: bytes, parameters: Parameters) -> str:
    """Return the text to store of a password, with a fresh salt."""
    salt = secrets.token_bytes(parameters.salt_len)
    return _text(parameters, salt, _digest(password, salt, parameters))


def hash_of_nothing(parameters: Parameters) -> str:
    """Return a well-formed hash that no password is known for."""
    return _text(parameters, secrets.token_bytes(parameters.salt_len), secrets.token_bytes(parameters.hash_len))


def matches(stored: str, password: bytes) -> bool:
    """Tell whether a password is the one that was hashed; what is no hash of argon2id matches nothing."""
    try:
        parameters = extract_parameters(stored)
        salt, digest = (base64.b64decode(part + "==") for part in stored.split("$")[-2:])
    except (InvalidHashError, binascii.Error):
        return False
    if parameters.type.value != _ID:
        return False
    return hmac.compare_digest(digest, _digest(password, salt, parameters))


def was_made_with(stored: str, parameters: Parameters) -> bool:
    """Tell whether a hash was made with these parameters."""
    return extract_parameters(stored) == parameters


def _digest(password: bytes, salt: bytes, parameters: Parameters) -> bytes:
    out = ffi.new("uint8_t[]", parameters.hash_len)
    given, salted = ffi.new("uint8_t[]", password), ffi.new("uint8_t[]", salt)
    fields = {
        "out": out,
        "outlen": parameters.hash_len,
        "version": parameters.version,
        "pwd": given,
        "pwdlen": len(password),
        "salt": salted,
        "saltlen": len(salt),
        "secret": ffi.NULL,
        "secretlen": 0,
        "ad": ffi.NULL,
        "adlen": 0,
        "t_cost": parameters.time_cost,
        "m_cost": parameters.memory_cost,
        "lanes": parameters.parallelism,
        "threads": 1,
        "allocate_cbk": ffi.NULL,
        "free_cbk": ffi.NULL,
        "flags": _DEFAULT_FLAGS,
    }
    status = core(ffi.new("argon2_context *", fields), _ID)
    if status != _OK:
        raise MemoryError(f"argon2 gave status {status}")  # with sound parameters nothing else goes wrong
    return bytes(ffi.buffer(out))


def _text(parameters: Parameters, salt: bytes, digest: bytes) -> str:
    costs = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v={parameters.version}${costs}${_unpadded(salt)}${_unpadded(digest)}"


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
