import json
import logging
import re
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar import limits
from sidecar.daemon.logs import LogFile, logging_to, set_level
from sidecar.ids import current_request

log = logging.getLogger("sidecar.test")


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_line_is_an_object_with_a_utc_time_and_the_log_ends_with_its_block(tmp_path: Path) -> None:
    file = tmp_path / "log" / "sidecar.log"
    with logging_to(file, "info"):
        log.debug("too small")
        try:
            raise ValueError("the reason")  # noqa: TRY301 - the traceback is what is tested
        except ValueError:
            log.exception("It\nfailed.", extra={"map_bytes": 5})
    log.error("afterwards")
    [line] = lines_of(file)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert (line["level"], line["logger"], line["message"]) == ("error", "sidecar.test", "It\nfailed.")
    assert line["map_bytes"] == 5
    assert line["traceback"].endswith("ValueError: the reason")
    assert "request_id" not in line
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_line_names_the_request_it_was_written_for(tmp_path: Path) -> None:
    token = current_request.set("r-1")
    with logging_to(tmp_path / "sidecar.log", "info"):
        log.info("one")
        current_request.reset(token)
        log.info("two")
    assert [line.get("request_id") for line in lines_of(tmp_path / "sidecar.log")] == ["r-1", None]


def test_the_level_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    with logging_to(tmp_path / "sidecar.log", "warning"):
        log.info("one")
        set_level("info")
        log.info("two")
    assert [line["message"] for line in lines_of(tmp_path / "sidecar.log")] == ["two"]


def test_debugging_writes_everything_to_standard_error_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(tmp_path / "sidecar.log", "error", debug=True):
        log.debug("a small thing")
    assert "a small thing" in capsys.readouterr().err


def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.daemon.logs.log_file_bytes_max", 1_000)
    with logging_to(tmp_path / "sidecar.log", "info"):
        for number in range(1_000):
            log.info("line %d", number)
    files = list(tmp_path.iterdir())
    assert len(files) == limits.log_files_max
    assert all(file.stat().st_size <= 1_000 for file in files)


def test_a_half_line_swallows_no_record(tmp_path: Path) -> None:
    file = tmp_path / "sidecar.log"
    for half in (b'{"message": "cut o', b""):
        file.write_bytes(half)
        with logging_to(file, "info"):
            log.info("one")
            log.info("two")
        lines = file.read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["message"] for line in lines[-2:]] == ["one", "two"]
        assert lines[:-2] == ([half.decode()] if half else [])


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can't be removed there")
def test_a_log_whose_folder_is_removed_or_whose_file_is_replaced_goes_on_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "log" / "sidecar.log"
    with logging_to(file, "info"):
        log.info("one")
        shutil.rmtree(file.parent)
        log.info("two")
        assert [line["message"] for line in lines_of(file)] == ["two"]
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        file.rename(file.with_name("of somebody else's rotation"))
        log.info("three")
        assert [line["message"] for line in lines_of(file)] == ["three"]


def test_lines_that_can_not_be_written_are_counted_and_told_of_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sidecar.log"
    file.symlink_to("/dev/full")
    with logging_to(file, "info"):
        log.info("one")
        log.info("two")
        [handler] = [handler for handler in logging.getLogger().handlers if isinstance(handler, LogFile)]
        assert handler.lost == 2
        file.unlink()
        log.info("three")
    assert [line["message"] for line in lines_of(file)] == ["2 lines before this one could not be written.", "three"]
    assert capsys.readouterr().err == ""
