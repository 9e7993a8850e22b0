"""Files replaced in one step, also by several processes at a time."""

import stat
import threading
from pathlib import Path

import pytest

from sidecar.drafts import replace_file


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
