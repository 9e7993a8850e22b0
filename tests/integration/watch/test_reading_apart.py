"""Files that a process of its own reads are read as if the daemon had read them itself."""

import mmap
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.clock import SystemClock
from sidecar.models.files import FileEntry
from sidecar.watch.apart import IS_POSSIBLE
from sidecar.watch.findings import Tally
from sidecar.watch.git import Git
from sidecar.watch.hasher import Hasher, Job, StoppedError
from sidecar.watch.ignore import Ignore
from sidecar.watch.plan import Look
from sidecar.watch.power import Pace
from sidecar.watch.reading import Readings
from sidecar.watch.scanner import Run, Seen, Walk
from tests.integration.watch.conftest import Watched, unwarned
from tests.integration.watch.test_watching import write

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="this system has no os.readv")
GROUPS = 20


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    clock = SystemClock()
    hasher = Hasher(clock, Pace(clock, lambda: False))
    yield hasher
    hasher.close()


@pytest.fixture(autouse=True)
def apart_from_the_first_file_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "reader_files_min", 0)


def make_files(root: Path) -> None:
    for number in range(GROUPS * limits.hash_group_files_max):
        write(root, f"d{number % 7}/f{number}", b"%d" % number * (number % 900))
    for name, size in (("empty", 0), ("largest", limits.hash_here_bytes_max), ("larger", 3 * limits.hash_read_bytes)):
        write(root, name, os.urandom(size))
    write(root, "line\nbreak", "x")
    with open(os.path.join(bytes(root), b"not-utf8-\xff"), "wb") as file:  # noqa: PTH118, PTH123 - bytes
        file.write(b"y")
    (root / "link").symlink_to("empty")


def walked(root: Path) -> list[Seen]:
    ignore = Ignore.load(bytes(root), Git(Path("/nonexistent"), command=None), warn=pytest.fail)
    runs = [item for item in Walk(bytes(root), warn=unwarned).files(ignore.top, b"") if isinstance(item, Run)]
    return [run.seen(at) for run in runs for at in range(len(run))]


def read(readings: Readings, found: list[Seen]) -> dict[bytes, FileEntry | None]:
    done = [each for seen in found for each in readings.add(Look(seen, None))]
    done += readings.finish()
    readings.close()
    return {look.seen.path: reading.entry for look, reading in done}


def read_here(hasher: Hasher, root: Path, found: list[Seen]) -> dict[bytes, FileEntry | None]:
    readings = hasher.read_here(Job(bytes(root), threading.Event()), found)
    return {seen.path: reading.entry for seen, reading in zip(found, readings, strict=True)}


def process_of(readings: Readings) -> int:
    process = readings._apart._process  # noqa: SLF001 - to see that there is one, and to end it
    assert process is not None
    return process._process.pid  # noqa: SLF001 - the same


def test_the_process_reads_what_the_daemon_would(tmp_path: Path, hasher: Hasher) -> None:
    make_files(tmp_path)
    found = walked(tmp_path)
    job, tally = Job(bytes(tmp_path), threading.Event()), Tally()
    assert read(Readings(hasher, job, tally), found) == read_here(hasher, tmp_path, found)
    assert (tally.files_hashed, tally.bytes_hashed) == (
        len(found),
        sum(seen.size for seen in found if seen.kind == "file"),
    )


def test_what_is_no_longer_as_it_was_seen_is_read_again(tmp_path: Path, hasher: Hasher) -> None:
    make_files(tmp_path)
    found = walked(tmp_path)
    (tmp_path / "d0/f0").unlink()
    (tmp_path / "d1/f1").write_text("another")
    (tmp_path / "d2/f2").unlink()
    (tmp_path / "d2/f2").symlink_to("f9")
    (tmp_path / "d3/f3").unlink()
    os.mkfifo(tmp_path / "d3/f3")
    entries = read(Readings(hasher, Job(bytes(tmp_path), threading.Event()), Tally()), found)
    assert entries == read_here(hasher, tmp_path, found)
    assert entries[b"d0/f0"] is entries[b"d3/f3"] is None
    changed, replaced = entries[b"d1/f1"], entries[b"d2/f2"]
    assert changed is not None
    assert replaced is not None
    assert (changed.size, replaced.kind) == (7, "symlink")


def test_a_file_of_a_far_time_is_read_without_the_process(tmp_path: Path, hasher: Hasher) -> None:
    make_files(tmp_path)
    time_ns = 1 << 63
    os.utime(tmp_path / "d0/f0", ns=(time_ns, time_ns))
    if (tmp_path / "d0/f0").stat().st_mtime_ns != time_ns:
        pytest.skip("this file system has no such times")
    found = walked(tmp_path)
    entries = read(Readings(hasher, Job(bytes(tmp_path), threading.Event()), Tally()), found)
    assert entries == read_here(hasher, tmp_path, found)
    entry = entries[b"d0/f0"]
    assert entry is not None
    assert entry.mtime_ns == time_ns - 1


def test_without_the_process_all_is_read_all_the_same(tmp_path: Path, hasher: Hasher) -> None:
    make_files(tmp_path)
    found = walked(tmp_path)
    readings = Readings(hasher, Job(bytes(tmp_path), threading.Event()), Tally())
    half = len(found) // 2
    done = [each for seen in found[:half] for each in readings.add(Look(seen, None))]
    os.kill(process_of(readings), signal.SIGKILL)
    rest = read(readings, found[half:])
    entries = {look.seen.path: reading.entry for look, reading in done} | rest
    assert entries == read_here(hasher, tmp_path, found)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody can ask for small pipes")
def test_through_pipes_of_one_page_all_is_read(tmp_path: Path, hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", partial(subprocess.Popen, pipesize=mmap.PAGESIZE))
    make_files(tmp_path)
    found = walked(tmp_path)
    readings = Readings(hasher, Job(bytes(tmp_path), threading.Event()), Tally())
    assert read(readings, found) == read_here(hasher, tmp_path, found)


def test_waiting_for_the_process_ends_when_nobody_wants_the_answer(tmp_path: Path, hasher: Hasher) -> None:
    make_files(tmp_path)
    found = walked(tmp_path)
    job = Job(bytes(tmp_path), threading.Event())
    readings = Readings(hasher, job, Tally())
    half = len(found) // 2
    for seen in found[:half]:
        readings.add(Look(seen, None))
    os.kill(process_of(readings), signal.SIGSTOP)
    threading.Timer(0.1, job.stop.set).start()
    with pytest.raises(StoppedError):
        read(readings, found[half:])
    readings.close()


def test_on_battery_there_is_no_second_process(tmp_path: Path) -> None:
    clock = SystemClock()
    pace = Pace(clock, lambda: True)
    pace.spent(0.0)
    hasher = Hasher(clock, pace)
    write(tmp_path, "a", "x")
    found = walked(tmp_path)
    readings = Readings(hasher, Job(bytes(tmp_path), threading.Event()), Tally())
    assert read(readings, found) == read_here(hasher, tmp_path, found)
    assert readings._apart._process is None  # noqa: SLF001 - what is asked for
    hasher.close()


async def test_a_first_scan_read_by_a_process_finds_every_file(watched: Watched) -> None:
    make_files(watched.root)
    await watched.start()
    assert len(await watched.settled()) == GROUPS * limits.hash_group_files_max + 6
