import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.daemon.service_manager import ServiceManager
from sidecar.surroundings import NotifySocket


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


@pytest.mark.parametrize("pid", [None, os.getpid()])
def test_the_manager_hears_ready_alive_and_stopping(manager: socket.socket, pid: int | None) -> None:
    service = ServiceManager(NotifySocket(manager.getsockname(), pid))
    service.ready("Serving")
    service.alive()
    service.stopping()
    heard = [manager.recv(4096).decode() for _ in range(3)]
    assert heard[0] == f"READY=1\nMAINPID={os.getpid()}\nSTATUS=Serving"
    assert heard[1] == "WATCHDOG=1"
    assert heard[2].startswith("STOPPING=1\n")


def test_the_watchdog_of_another_process_is_not_fed(manager: socket.socket) -> None:
    service = ServiceManager(NotifySocket(manager.getsockname(), os.getpid() + 1))
    service.alive()
    service.stopping()
    assert manager.recv(4096).startswith(b"STOPPING=1")


def test_an_abstract_socket_is_found() -> None:
    name = f"sidecar-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        ServiceManager(NotifySocket("@" + name, None)).alive()
        assert listener.recv(4096) == b"WATCHDOG=1"


def test_without_a_manager_nothing_is_sent_and_one_that_is_gone_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ServiceManager(None).ready("x")
    assert not caplog.records
    ServiceManager(NotifySocket(str(tmp_path / "gone"), None)).ready("x")
    assert "could not be told READY=1: No such file" in caplog.text
