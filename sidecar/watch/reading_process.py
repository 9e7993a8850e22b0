"""The process that reads small files beside the daemon: what it computes needs no turn of the daemon's interpreter.

Run by its path and by nothing but the interpreter, so that it starts in some milliseconds: it imports nothing of ours.
``apart.py`` starts it, asks it on its standard input, and ends it by closing that. A question is a frame of absolute
paths, each with a NUL behind; its answer is a frame of as many ``RECORD``, and of a ``COUNT``: of the blocks that have
been waited for so far. A frame is its length, then its bytes.
"""

import hashlib
import os
import stat
import struct
import sys
from functools import partial
from typing import IO, Final

try:
    import resource
except ImportError:  # Windows has none
    _usage = None
else:
    _usage = partial(resource.getrusage, getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF))

LENGTH: Final = struct.Struct(">I")
# size, mtime_ns, ctime_ns, inode: how a stamp begins. Then the SHA-256. All zero: it can't be read in this way.
RECORD: Final = struct.Struct(">QqqQ32s")
COUNT: Final = struct.Struct(">Q")
_NOTHING: Final = bytes(RECORD.size)
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def serve(questions: IO[bytes], answers: IO[bytes], size_max: int) -> None:
    """Answer until the questions end.

    Args:
        size_max: Of a file, in bytes; a larger one is not read.
    """
    buffer = memoryview(bytearray(size_max + 1))
    while (paths := read_frame(questions)) is not None:
        answer = b"".join([record_of(path, buffer) for path in paths.split(b"\0")[:-1]])
        write_frame(answers, answer + COUNT.pack(blocks_read()))


def record_of(path: bytes, buffer: memoryview) -> bytes:
    """Return what is to be said of one file."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return _NOTHING
    try:
        size = os.readv(descriptor, (buffer,))
        status = os.fstat(descriptor)
    except OSError:
        return _NOTHING
    finally:
        os.close(descriptor)
    if size != status.st_size or size == len(buffer) or not stat.S_ISREG(status.st_mode):
        return _NOTHING
    checksum = hashlib.sha256(buffer[:size]).digest()
    try:
        return RECORD.pack(size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, checksum)
    except struct.error:  # a time that 64 bits can't hold
        return _NOTHING


def blocks_read() -> int:
    """Return how many blocks this thread has waited for, which the page cache lacked; 0 where nobody tells."""
    return _usage().ru_inblock if _usage else 0


def read_frame(file: IO[bytes]) -> bytes | None:
    """Return the next frame, or None at the end."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = LENGTH.unpack(head)[0]
    frame = file.read(length)
    return frame if len(frame) == length else None


def write_frame(file: IO[bytes], frame: bytes) -> None:
    """Write one frame."""
    file.write(LENGTH.pack(len(frame)) + frame)
    file.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
