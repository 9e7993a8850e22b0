"""Settings, backups, replacing a daemon: as a person does it at the terminal."""

import json
import socket
import stat
from pathlib import Path

from sidecar import config
from sidecar.cli import exits
from tests.e2e.daemons import DaemonProcess, daemon_process, eventually


async def test_a_store_is_backed_up_while_it_is_used_and_restored_on_another_machine(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    await daemon.watch()
    (tmp_path / "backups").mkdir()
    report = json.loads(daemon.run("backup", "--json", str(tmp_path / "backups")).stdout)
    file = Path(report["path"])
    assert file.parent == tmp_path / "backups"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    files = daemon.run("files", "ls", "--json").stdout
    again = daemon.run("backup", str(file))
    assert (again.returncode, again.stdout) == (exits.FAILED, "")
    assert daemon.run("backup", str(file), "--replace").returncode == exits.DONE
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work", encoding="utf-8")
    refused = daemon.run("backup", str(thesis), "--replace")
    assert (refused.returncode, thesis.read_text(encoding="utf-8")) == (exits.FAILED, "years of work")
    assert "is no backup of Sidecar's" in refused.stderr

    with daemon_process(tmp_path / "other", daemon.workspace) as other:
        assert other.run("restore", str(file)).returncode == exits.DONE
        await other.watch()
        assert other.run("files", "ls", "--json").stdout == files
        assert (
            json.loads(other.run("status", "--json").stdout)["epoch"]
            != json.loads(daemon.run("status", "--json").stdout)["epoch"]
        )


async def test_a_restore_leaves_what_is_there_alone_unless_told_to_replace_it(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    await daemon.watch()
    file = tmp_path / "backup"
    assert daemon.run("backup", str(file)).returncode == exits.DONE
    running = daemon.run("restore", str(file), "--replace")
    assert running.returncode == exits.FAILED
    assert "sidecar down" in running.stderr
    epoch = json.loads(daemon.run("status", "--json").stdout)["epoch"]
    assert daemon.run("down").returncode == exits.DONE
    assert await daemon.wait() == exits.DONE

    refused = daemon.run("restore", str(file))
    assert refused.returncode == exits.FAILED
    assert "--replace" in refused.stderr
    broken = tmp_path / "broken"
    broken.write_bytes(file.read_bytes()[:-1])
    assert daemon.run("restore", str(broken), "--replace").returncode == exits.STORE_UNREADABLE

    done = json.loads(daemon.run("restore", str(file), "--replace", "--json").stdout)
    assert done["epoch"] != epoch
    assert Path(done["replaced"]).is_dir()
    await daemon.watch()
    assert json.loads(daemon.run("status", "--json").stdout)["epoch"] == done["epoch"]


async def test_a_setting_is_taken_over_by_the_running_daemon(daemon: DaemonProcess) -> None:
    await daemon.watch()
    log = daemon.home / "side" / "log" / "sidecar.log"
    assert daemon.run("files", "ls").returncode == exits.DONE
    assert not log.exists() or "/api/v5/files" not in log.read_text(), "requests are logged at debug only"
    done = daemon.run("config", "set", "log_level", "debug")
    assert done.stdout.endswith("The running daemon has taken it over.\n")
    assert daemon.run("files", "ls").returncode == exits.DONE
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    [asked] = [line for line in lines if "/api/v5/files" in line["message"]]
    assert asked["level"] == "debug"
    assert asked["request_id"]
    pairing = next(line for line in lines if "POST /api/v5/auth/pair" in line["message"])
    committed = [line for line in lines if line["message"].startswith("committed ")]
    assert pairing["request_id"] in {line.get("request_id") for line in committed}, "down to the store"

    waiting = daemon.run("config", "set", "host", "::1")
    assert "After a restart of the daemon these apply: host." in waiting.stdout
    assert daemon.run("config", "set", "host", "0.0.0.0").returncode == exits.USAGE  # noqa: S104 - refused
    told = [json.loads(line) for line in daemon.run("config", "show", "--json").stdout.splitlines()]
    assert {line["key"] for line in told} == config.Settings.model_fields.keys()
    file = Path(daemon.run("config", "path").stdout.strip())
    assert file.read_text(encoding="utf-8") == 'log_level = "debug"\nhost = "::1"\n'


async def test_replacing_nobody_is_a_start(daemon: DaemonProcess) -> None:
    daemon.start("--replace")
    await daemon.wait_for("Watching ")


async def test_another_sidecar_on_the_port_is_told_from_a_stranger(daemon: DaemonProcess, tmp_path: Path) -> None:
    await daemon.watch()
    port = json.loads(daemon.run("status", "--json").stdout)["url"].rpartition(":")[2]
    with daemon_process(tmp_path / "other", daemon.workspace) as other:
        taken = other.run("up", str(daemon.workspace), "--port", port)
    assert taken.returncode == exits.FAILED
    assert f"Port {port} on 127.0.0.1 is taken by another Sidecar (version " in taken.stderr


async def test_a_silent_stranger_on_the_port_is_named_as_such(daemon: DaemonProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        daemon.start("--port", str(stranger.getsockname()[1]))
        connection, _ = stranger.accept()
        stranger.close()  # it asks again when the connection is cut
        connection.close()
        await eventually(lambda: "taken by another program" in daemon.errors, "it says so")
    assert await daemon.wait() == exits.FAILED
