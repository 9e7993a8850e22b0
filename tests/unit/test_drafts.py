"""Files replaced in one step, also by several processes at a time."""

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from sidecar.cli.outputs import written_whole
from sidecar.drafts import replace_file, sync_folder


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    replace_file(path, b"one")
    replace_file(path, b"two", mode=0o640)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_what_can_not_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder/in").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "folder", b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks at descriptors as Linux shows them")
@pytest.mark.parametrize("how", ["replaced", "written"])
def test_the_content_is_synced_before_it_is_at_its_place_and_its_name_behind_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path, sync, seen = tmp_path / "file", os.fsync, list[tuple[bool, bytes, bytes]]()
    path.write_bytes(b"one")

    def note(descriptor: int) -> None:
        sync(descriptor)
        what = Path(f"/proc/self/fd/{descriptor}").resolve()
        seen.append((what == tmp_path, b"" if what.is_dir() else what.read_bytes(), path.read_bytes()))

    monkeypatch.setattr(os, "fsync", note)
    if how == "replaced":
        replace_file(path, b"two")
    else:
        with written_whole(path, replace=True) as file:
            file.write(b"two")
    assert seen == [(False, b"two", b"one"), (True, b"", b"two")]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that syncs no folders")
def test_a_file_system_that_syncs_no_folders_keeps_nobody_from_writing() -> None:
    descriptor = os.open("/proc", os.O_RDONLY)
    with pytest.raises(OSError, match="Invalid argument"):
        os.fsync(descriptor)
    os.close(descriptor)
    sync_folder(Path("/proc"))


def test_several_replace_one_file_at_a_time(tmp_path: Path) -> None:
    path, failures = tmp_path / "file", []
    replace_file(path, b"0" * 1000)

    def work(content: bytes) -> None:
        try:
            for _ in range(50):
                replace_file(path, content)
                assert len(set(path.read_bytes())) == 1
        except (OSError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(b"%d" % number * 1000,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(tmp_path.iterdir()) == [path]
