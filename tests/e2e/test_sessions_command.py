import json

from sidecar.cli import exits
from sidecar.client import connect
from tests.e2e.daemons import DaemonProcess


async def test_a_session_is_listed_forked_compared_and_brought_back(daemon: DaemonProcess) -> None:
    await daemon.watch()
    root = str(daemon.workspace)
    async with connect(daemon.runtime_dirs) as client:
        sent = {"name": "Fix the parser", "workspace_path": root, "git_branch": "main", "tags": ["urgent"]}
        session = (await client.request("POST", "/api/v5/sessions", body=sent))["id"]
        path = f"/api/v5/sessions/{session}"
        taken = (await client.request("POST", f"{path}/snapshots", body={"label": "before"}))["id"]
        broken = {"breakpoints": [{"path": "src/main.py", "line": 7}]}
        await client.request("PATCH", path, body=broken)

    assert f"Fix the parser [main]  {root}" in daemon.run("sessions", "list", "--workspace", root).stdout
    assert daemon.run("sessions", "list", "--tag", "other").stdout == ""
    shown = daemon.run("sessions", "show", session).stdout
    assert f"snapshot  {taken}" in shown
    assert "before" in shown
    assert "src/main.py" in daemon.run("sessions", "diff", session, taken).stdout
    assert json.loads(daemon.run("sessions", "diff", session, taken, "--json").stdout)["changes"]

    fork = json.loads(daemon.run("sessions", "fork", session, "--name", "Another way", "--json").stdout)
    assert (fork["parent_session_id"], fork["name"]) == (session, "Another way")
    assert len(daemon.run("sessions", "list", "--json").stdout.splitlines()) == 2
    assert daemon.run("sessions", "restore", session, taken).returncode == exits.DONE
    after = json.loads(daemon.run("sessions", "show", session, "--json").stdout)
    assert after["breakpoints"] == []
    assert len(after["snapshots"]) >= 2, "what was replaced is kept"
    unknown = daemon.run("sessions", "show", taken)
    assert (unknown.returncode, unknown.stdout) == (exits.FAILED, "")
