"""A daemon that runs can be found and stopped: from elsewhere, after a change of settings, while it starts."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from sidecar import endpoint
from sidecar.cli import exits
from sidecar.daemon.lifecycle import is_held
from tests.e2e.daemons import DaemonProcess, daemon_process, eventually


async def test_who_does_not_know_the_sessions_runtime_folder_finds_the_daemon_too(daemon: DaemonProcess) -> None:
    session = str(daemon.home / "session")
    daemon.environment["SIDECAR_RUNTIME_DIR"] = session
    daemon.start()
    await daemon.wait_for("Watching ")
    elsewhere = {"SIDECAR_RUNTIME_DIR": ""}  # as cron starts it
    assert daemon.run("status", **elsewhere).returncode == exits.DONE
    shutil.rmtree(session)
    assert daemon.run("status").returncode == exits.DONE, "nor who has lost it"
    assert daemon.run("down", **elsewhere).returncode == exits.DONE
    assert await daemon.wait() == exits.DONE
    assert endpoint.find([daemon.home / "side/run", daemon.home / "side/state/run"]) == []


async def test_a_daemon_in_another_data_folder_is_replaced_too(daemon: DaemonProcess) -> None:
    await daemon.watch()
    assert daemon.run("config", "set", "data_dir", str(daemon.home / "elsewhere")).returncode == exits.DONE
    with daemon_process(daemon.home, daemon.workspace) as successor:
        successor.output_file, successor.error_file = daemon.home / "output-2", daemon.home / "errors-2"
        successor.start("--replace")
        await successor.wait_for("Watching ")
        assert await daemon.wait() == exits.DONE
        assert successor.output.startswith(f"Stopped the daemon (process {daemon.pid}).\n")
        assert successor.run("down").returncode == exits.DONE
        assert await successor.wait() == exits.DONE


async def test_a_daemon_that_does_not_answer_yet_is_waited_for(daemon: DaemonProcess) -> None:
    daemon.start()
    await eventually(lambda: is_held(daemon.home / "side/data"), "it has the lock")
    daemon.signal(signal.SIGSTOP)
    asking = subprocess.Popen(daemon.command("down"), env=daemon.environment, stdout=subprocess.PIPE, text=True)
    await asyncio.sleep(1.5)  # it asks meanwhile, again and again
    daemon.signal(signal.SIGCONT)
    output, _ = await asyncio.to_thread(asking.communicate)
    assert (asking.returncode, output) == (exits.DONE, f"Stopped the daemon (process {daemon.pid}).\n")
    assert await daemon.wait() == exits.DONE


async def test_of_two_that_replace_a_daemon_at_once_one_serves_and_the_other_knows_why_not(
    daemon: DaemonProcess,
) -> None:
    await daemon.watch()
    with replacing(daemon, "1") as one, replacing(daemon, "2") as two:
        await eventually(lambda: one.poll() is not None or two.poll() is not None, "one has given way")
        lost, won, errors = (one, two, "errors-1") if one.poll() is not None else (two, one, "errors-2")
        await eventually(lambda: daemon.run("status").returncode == exits.DONE, "the other serves")
        assert lost.returncode == exits.DONE or (
            lost.returncode == exits.FAILED and f"process {won.pid} holds it" in (daemon.home / errors).read_text()
        )
        assert daemon.run("down").returncode == exits.DONE
        assert won.wait() == exits.DONE


@contextmanager
def replacing(daemon: DaemonProcess, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield an ``up --replace`` of the daemon's home, and end it whatever happens."""
    words = daemon.command("up", str(daemon.workspace), "--replace")
    with (daemon.home / f"errors-{name}").open("wb") as errors:
        process = subprocess.Popen(words, env=daemon.environment, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
