"""Large files of one workspace, read while its comparisons go on: none of them waits for an image of many gigabytes.

Used by ``comparison.py``, made by ``watcher.py``. A comparison that meets such a file leaves it here. When it has been
read, it is looked at again, as after an event, and that look finds what was read if the file is still the same. So a
file gets into the index one way only, whatever has become of it meanwhile.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import NamedTuple

from sidecar import limits
from sidecar.repositories.file_entries import is_of_stamp, mtime_ns
from sidecar.watch.hasher import Hasher, Job, Reading, StoppedError, is_racy
from sidecar.watch.scanner import Seen


class _UnderWay(NamedTuple):
    seen: Seen
    job: Job
    future: Future[list[Reading]]


class Aside:
    """What is being read, and what has been.

    Args:
        root: Absolute.
        hasher: The workspace's own.
        done: Called with the path of a file that has to be looked at again, on the loop that this is made in.
    """

    def __init__(self, root: bytes, hasher: Hasher, done: Callable[[bytes], None]) -> None:
        self._root = root
        self._hasher = hasher
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._under_way: dict[bytes, _UnderWay] = {}
        self._ended: dict[bytes, Future[list[Reading]]] = {}
        self._is_closed = False
        self._files = self._bytes = 0

    def __len__(self) -> int:
        return len(self._under_way) + len(self._ended)

    def wants(self, seen: Seen) -> bool:
        """Tell whether a file is large enough, and there is room for it."""
        is_large = seen.kind == "file" and seen.size >= limits.aside_bytes_min
        return is_large and (len(self) < limits.aside_files_max or seen.path in self._under_way)

    def take(self, seen: Seen) -> Reading | None:
        """Return what a file holds that has been read as it is seen now; otherwise None, and it is being read.

        Called by the comparison, in its thread.
        """
        with self._lock:
            ended = self._ended.pop(seen.path, None)
            reading = None if ended is None else ended.result()[0]
            if reading is not None and (reading.is_unstable or _is_as_seen(reading, seen)):
                self._files += not reading.is_unstable
                self._bytes += 0 if reading.is_unstable else seen.size
                return reading
            under_way = self._under_way.get(seen.path)
            if under_way is None:
                self._begin(seen)
            elif under_way.seen.stamp == seen.stamp and is_racy(mtime_ns(seen.stamp), self._hasher.clock.now_ms()):
                under_way.job.stop.set()  # a change may hide behind the same time: it is begun anew
        return None

    def ended(self) -> list[bytes]:
        """Return the paths of what has been read and not yet been taken: a comparison from now on looks at them."""
        with self._lock:
            return list(self._ended)

    def forget(self, paths: Iterable[bytes]) -> None:
        """Drop what has been read: nobody has asked for it when it was looked for."""
        with self._lock:
            for path in paths:
                self._ended.pop(path, None)

    def read(self) -> tuple[int, int]:
        """Return how many files have been read, and how many bytes, of those under way too."""
        with self._lock:
            return self._files, self._bytes + sum(each.job.bytes_read for each in self._under_way.values())

    def count_anew(self) -> None:
        """Begin to count what is read."""
        with self._lock:
            self._files = self._bytes = 0

    def notice(self) -> tuple[str, ...]:
        """Say what is being read."""
        with self._lock:
            under_way = list(self._under_way.values())
        if not under_way:
            return ()
        done, size = sum(each.job.bytes_read for each in under_way), sum(each.seen.size for each in under_way)
        files = "A large file is" if len(under_way) == 1 else f"{len(under_way)} large files are"
        read = f"{done / 1e9:.1f} of {size / 1e9:.1f} GB"
        return (f"{files} still being read ({read}); until then the index has what it had before.",)

    async def close(self) -> None:
        """Give up what is being read, and wait until nobody reads, or hangs in it; idempotent."""
        with self._lock:
            self._is_closed = True
            under_way = list(self._under_way.values())
        for each in under_way:
            each.job.stop.set()
            each.future.cancel()
        await asyncio.to_thread(wait, [each.future for each in under_way], limits.leave_hanging_seconds)
        self._under_way.clear()

    def _begin(self, seen: Seen) -> None:
        job = Job(self._root, threading.Event())
        future = self._hasher.submit_large(job, seen)
        self._under_way[seen.path] = _UnderWay(seen, job, future)
        future.add_done_callback(lambda ended: self._loop.call_soon_threadsafe(self._hand_over, seen.path, ended))

    def _hand_over(self, path: bytes, ended: "Future[list[Reading]]") -> None:
        with self._lock:
            if self._is_closed:
                return
            del self._under_way[path]
            if not isinstance(ended.exception(), StoppedError):
                self._ended[path] = ended
        self._done(path)


def _is_as_seen(reading: Reading, seen: Seen) -> bool:
    return reading.entry is not None and is_of_stamp(reading.entry, seen.stamp)
