import logging
import re
import stat
from pathlib import Path

import pytest

from sidecar import limits
from sidecar.daemon.logs import logging_to

log = logging.getLogger("sidecar.test")


def test_the_log_has_utc_times_levels_and_tracebacks_and_ends_with_its_block(tmp_path: Path) -> None:
    file = tmp_path / "log" / "sidecar.log"
    with logging_to(file, "info"):
        log.debug("too small")
        try:
            raise ValueError("the reason")  # noqa: TRY301 - the traceback is what is tested
        except ValueError:
            log.exception("It failed.")
    log.error("afterwards")
    text = file.read_text(encoding="utf-8")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ERROR sidecar\.test \[\d+\] It failed\.\nTraceback", text)
    assert "ValueError: the reason" in text
    assert "too small" not in text
    assert "afterwards" not in text
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


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
