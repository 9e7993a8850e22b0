"""Conversations, settings, and taking sessions along: what people keep, as they see it at the terminal."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from sidecar.cli import exits
from sidecar.client import connect
from tests.e2e.daemons import DaemonProcess, daemon_process

pytestmark = pytest.mark.usefixtures("watching")

V5 = "/api/v5"
HOSTILE = "red \x1b[31m text\rover\n  indented"


async def make_records(daemon: DaemonProcess) -> dict[str, str]:
    """Keep two sessions and a conversation that was begun in the first; return their ids."""
    async with connect(daemon.runtime_dirs) as client:

        async def made(path: str, **fields: Any) -> str:
            return str((await client.request("POST", f"{V5}/{path}", body=fields))["id"])

        ids = {
            "first": await made("sessions", name="Fix the parser", workspace_path="/w"),
            "second": await made("sessions", name="Another", workspace_path="/w"),
        }
        ids["talk"] = await made(
            "conversations", title="Why it fails", ai_provider="local", workspace_session_id=ids["first"]
        )
        for number in range(12):  # more than one page of them
            await made(f"conversations/{ids['talk']}/messages", role="user", content=f"{number} {HOSTILE}")
        return ids


async def test_conversations_are_listed_read_archived_and_deleted(daemon: DaemonProcess) -> None:
    ids = await make_records(daemon)
    line = daemon.run("conversations", "list").stdout
    assert line.startswith(ids["talk"])
    assert line.endswith("12 messages  Why it fails [local]\n")
    assert [each["id"] for each in daemon.json("conversations", "list", "--session", ids["first"])] == [ids["talk"]]
    assert daemon.json("conversations", "list", "--session", ids["second"]) == []

    conversation, *messages = daemon.json("conversations", "show", ids["talk"])
    assert (conversation["id"], [each["content"] for each in messages]) == (
        ids["talk"],
        [f"{number} {HOSTILE}" for number in range(12)],
    )
    shown = daemon.run("conversations", "show", ids["talk"]).stdout
    assert "11 red \\x1b[31m text" in shown, "it can not command the terminal"
    assert "\n  indented" in shown
    assert "\x1b" not in shown

    assert daemon.json("conversations", "archive", ids["talk"])[0]["status"] == "archived"
    assert daemon.json("conversations", "list", "--status", "active") == []
    assert daemon.json("conversations", "archive", ids["talk"], "--undo")[0]["status"] == "active"
    assert daemon.run("conversations", "delete", ids["talk"]).returncode == exits.USAGE, "nobody can be asked"
    assert daemon.run("conversations", "delete", ids["talk"], "-y").stdout == "Deleted 'Why it fails'.\n"
    assert daemon.run("conversations", "show", ids["talk"]).returncode == exits.FAILED


SETTINGS = (
    ("font_size", "14", 14),
    ("offset", "-5", -5),
    ("name", "dark", "dark"),
    ("text", '"14"', "14"),
    ("models/all?x=%20#.y", '["a", {"b": null}]', ["a", {"b": None}]),
    ("empty", "", ""),
)


async def test_settings_are_kept_as_json_or_as_text(daemon: DaemonProcess) -> None:
    for key, given, kept in SETTINGS:
        assert daemon.run("settings", "set", "editor", key, given).stdout == f"editor {key} = {json.dumps(kept)}\n"
        assert json.loads(daemon.run("settings", "get", "editor", key).stdout) == kept
    records = daemon.json("settings", "list", "--category", "editor")
    assert {each["key"]: each["value"] for each in records} == {key: kept for key, _, kept in SETTINGS}
    assert daemon.json("settings", "list", "--category", "theme") == []
    assert 'editor models/all?x=%20#.y = ["a", {"b": null}]\n' in daemon.run("settings", "list").stdout
    [record] = daemon.json("settings", "get", "editor", "offset")
    assert (record["category"], record["key"], record["value"]) == ("editor", "offset", -5)
    assert daemon.run("settings", "delete", "editor", "models/all?x=%20#.y").returncode == exits.DONE
    gone = daemon.run("settings", "get", "editor", "models/all?x=%20#.y")
    assert (gone.returncode, gone.stdout) == (exits.FAILED, "")
    shown = daemon.run("settings", "set", "editor", "x", '"\x9b31m \u202e"').stdout
    assert shown == 'editor x = "\\x9b31m \\u202e"\n', "a terminal would obey"
    daemon.run("settings", "delete", "editor", "x")
    for wrong in (("Not a category", "x", "1"), ("editor", "x", "1", "--jsn"), ("", "x", "1"), ("editor", "..", "1")):
        assert daemon.run("settings", "set", *wrong).returncode == exits.USAGE
    assert len(daemon.json("settings", "list")) == len(SETTINGS) - 1


async def test_a_record_is_named_by_the_beginning_of_its_id(daemon: DaemonProcess) -> None:
    ids = await make_records(daemon)
    for length in (35, 30):
        assert daemon.json("sessions", "show", ids["first"][:length])[0]["id"] == ids["first"]
    several = daemon.run("sessions", "show", ids["first"][:2])
    assert several.returncode == exits.USAGE
    assert ids["first"] in several.stderr
    assert ids["second"] in several.stderr
    for given, code in (("ff", exits.FAILED), ("../users", exits.USAGE), ("x" * 36, exits.USAGE), ("", exits.USAGE)):
        assert daemon.run("sessions", "show", given).returncode == code, given


async def test_sessions_are_taken_along_to_another_machine(daemon: DaemonProcess, tmp_path: Path) -> None:
    ids = await make_records(daemon)
    daemon.run("settings", "set", "editor", "font_size", "14")
    everything = daemon.run("sessions", "export").stdout
    kinds = [json.loads(line).get("kind") for line in everything.splitlines()]
    assert (kinds[0], kinds.count("sessions"), kinds.count("messages"), kinds.count("settings")) == (None, 2, 12, 1)

    file = tmp_path / "session.jsonl"
    done = daemon.run("sessions", "export", ids["first"][:33], "--output", str(file))
    assert done.stdout == f"Wrote 14 records to {file}.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_text(encoding="utf-8")
    assert ids["second"] not in content
    assert daemon.run("sessions", "export", "--output", str(file)).returncode == exits.FAILED, "it is there"
    assert file.read_text(encoding="utf-8") == content
    assert daemon.run("sessions", "export", "--output", str(file), "--replace").returncode == exits.DONE
    assert file.read_text(encoding="utf-8") == everything
    assert [each.name for each in tmp_path.glob("session*")] == ["session.jsonl"], "no half file is left"

    with daemon_process(tmp_path / "other", daemon.workspace) as other:
        await other.watch()
        [report] = other.json("sessions", "import", given=content)
        assert report["stored"] == {"sessions": 1, "conversations": 1, "messages": 12, "settings": 0}
        [report] = other.json("sessions", "import", str(file))
        assert report["stored"] == {"sessions": 2, "conversations": 1, "messages": 12, "settings": 1}
        assert report["unchanged"] == {"sessions": 1, "conversations": 1, "messages": 12, "settings": 0}
        assert other.run("sessions", "import", str(file)).stdout == (
            "sessions            0 new, 0 replaced, 2 as they were\n"
            "conversations       0 new, 0 replaced, 1 as they were\n"
            "messages            0 new, 0 replaced, 12 as they were\n"
            "settings            0 new, 0 replaced, 1 as they were\n"
        )
        [there] = other.json("sessions", "show", ids["first"])
        [here] = daemon.json("sessions", "show", ids["first"])
        assert (there["name"], there["created_at"]) == (here["name"], here["created_at"])
        broken = other.run("sessions", "import", given=content.splitlines()[0] + "\nnonsense\n")
        assert (broken.returncode, broken.stderr) == (
            exits.USAGE,
            "sidecar: Line 2 is no whole JSON in UTF-8, as each line of an export is.\n",
        )
        assert other.run("sessions", "import", given="").returncode == exits.USAGE
        assert other.run("sessions", "import", str(tmp_path / "absent")).returncode == exits.USAGE


async def test_lists_are_shown_to_their_end(daemon: DaemonProcess) -> None:
    async with connect(daemon.runtime_dirs) as client:
        body = {"name": "one of many", "workspace_path": "/w"}
        for _ in range(21):
            await asyncio.gather(*(client.request("POST", f"{V5}/sessions", body=body) for _ in range(10)))
    assert len(daemon.json("sessions", "list")) == 210
