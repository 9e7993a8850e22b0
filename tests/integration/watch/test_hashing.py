"""A checksum always belongs to one version of a file, whatever happens while it is read."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.clock import SystemClock
from sidecar.watch.hasher import Hasher, Job, StoppedError, read_file
from sidecar.watch.power import Pace
from sidecar.watch.scanner import Seen

PAST_NS = 1_000_000_000


def seen(path: bytes) -> Seen:
    return Seen(path, "file", size=0, links=1, stamp=b"")


def test_a_large_file_is_read_in_blocks(tmp_path: Path) -> None:
    content = os.urandom(3 * limits.hash_read_bytes + 17)
    (tmp_path / "large").write_bytes(content)
    job = Job(bytes(tmp_path), threading.Event())
    reading = read_file(job, b"large", lambda: 0)
    assert reading.entry is not None
    assert (reading.entry.checksum, reading.entry.size) == (hashlib.sha256(content).digest(), len(content))
    assert job.bytes_read == len(content)


class Meddling(Job):
    """Writes to the file whenever a block of it has been read."""

    times = 0

    def count(self, size: int) -> None:
        super().count(size)
        if self.times:
            self.times -= 1
            with open(os.path.join(self.root, b"file"), "ab") as file:  # noqa: PTH118, PTH123 - bytes
                file.write(b"more")


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("first")
    job = Meddling(bytes(tmp_path), threading.Event())
    job.times = 2
    entry = read_file(job, b"file", lambda: 0).entry
    assert entry is not None
    assert (entry.size, entry.checksum) == (13, hashlib.sha256(path.read_bytes()).digest())


def test_a_file_that_keeps_changing_is_left_for_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("first")
    job = Meddling(bytes(tmp_path), threading.Event())
    job.times = 1_000
    reading = read_file(job, b"file", lambda: 0)
    assert (reading.entry, reading.is_unstable) == (None, True)


def test_a_young_file_is_to_be_looked_at_again_and_an_old_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.utime(path, ns=(PAST_NS, PAST_NS))
    job = Job(bytes(tmp_path), threading.Event())
    assert read_file(job, b"file", lambda: 1_000 + limits.racy_window_ms).is_racy
    assert not read_file(job, b"file", lambda: 1_001 + limits.racy_window_ms).is_racy


@pytest.mark.parametrize("path", [b"nothing", b"nothing/below", b"file/below", b"folder", b"fifo"])
def test_what_is_no_file_any_more_has_vanished(tmp_path: Path, path: bytes) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    reading = read_file(Job(bytes(tmp_path), threading.Event()), path, lambda: 0)
    assert (reading.entry, reading.is_unstable) == (None, False)


def test_a_stopped_job_ends_between_two_blocks(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    path.touch()
    os.truncate(path, 10_000_000_000)  # sparse: it would take many seconds to read
    job = Job(bytes(tmp_path), threading.Event())
    hasher = Hasher(SystemClock())
    future = hasher.submit(job, [seen(b"endless")])
    while job.bytes_read == 0:
        pass
    job.stop.set()
    with pytest.raises(StoppedError):
        future.result()
    hasher.close()
    assert job.bytes_read < 10_000_000_000


class Resting(Pace):
    """On battery; counts how often it was asked to rest."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), lambda: True)
        self.rests = 0

    def rest(self, stop: threading.Event) -> None:
        self.rests += 1
        super().rest(stop)


def test_on_battery_many_files_are_read_slowly_and_a_saved_one_at_once(tmp_path: Path) -> None:
    for number in range(limits.paced_files_min):
        (tmp_path / str(number)).write_text("x")
    pace = Resting()
    hasher = Hasher(SystemClock(), pace)
    job = Job(bytes(tmp_path), threading.Event())
    many = [seen(b"%d" % number) for number in range(limits.paced_files_min)]
    assert all(reading.entry for reading in hasher.read_here(job, many[:1]))
    assert pace.rests == 0
    assert all(reading.entry for reading in hasher.read_here(job, many))
    assert pace.rests == 1
    hasher.close()
