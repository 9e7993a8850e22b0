"""A client that disconnects at random and resumes hears exactly what is in the log, also across kill -9."""

import asyncio
import json
import random
import uuid
from typing import Any

import aiohttp

from tests.e2e.callers import Caller
from tests.e2e.daemons import DaemonProcess

CHANGES = 10_000
RECONNECTS = 50
RESTARTS = 5
AN_IMPORT = 500
SEED = 7
WHEN = "2026-01-01T00:00:00.000000Z"


class Importer(Caller):
    """Writes by imports, and reads the log."""

    async def store(self, lines: bytes) -> bool:
        """Import lines; tell whether the daemon lived to say that it has."""
        try:
            url, headers = await self.paired()
            typed = headers | {"Content-Type": "application/x-ndjson"}
            async with self.http.post(f"{url}/api/v5/import", headers=typed, data=lines) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, ValueError):
            return False

    async def log(self) -> list[str]:
        """Return the ids of all changes of settings, as polling tells them."""
        url, headers = await self.paired()
        found: list[str] = []
        cursor = "beginning"
        while True:
            asked = {"since": cursor, "topics": "settings"}
            async with self.http.get(f"{url}/api/v5/changes", headers=headers, params=asked) as answer:
                content = await answer.json()
            if not content["changes"]:
                return found
            found += [change["id"] for change in content["changes"]]
            cursor = content["cursor"]


async def listen(caller: Caller, count: int) -> tuple[list[str], int]:
    """Hear so many changes, leaving at random; return them and how often it came back."""
    heard: list[str] = []
    cursor, visits = "beginning", 0
    chance = random.Random(SEED)  # noqa: S311 - no secret
    while len(heard) < count:
        stay = len(heard) + chance.randint(1, CHANGES // RECONNECTS // 2)  # far more often than is asked for
        try:
            url, headers = await caller.paired()
            async with caller.http.ws_connect(f"{url}/api/v5/events", headers=headers, max_msg_size=0) as socket:
                visits += 1
                await socket.send_json({"op": "subscribe", "topics": ["settings"], "since": cursor})
                while len(heard) < min(stay, count):
                    message: Any = await socket.receive_json(timeout=60)
                    assert message["type"] != "reset"
                    heard += [change["id"] for change in message.get("changes", ())]
                    cursor = message["cursor"]
        except (aiohttp.ClientError, OSError, TypeError, ValueError, TimeoutError):
            await asyncio.sleep(0.05)  # the daemon is gone; TypeError is what aiohttp says of a socket's end
    return heard, visits


def batches() -> list[bytes]:
    """Return imports that make ``CHANGES`` settings in all."""
    lines = []
    for number in range(CHANGES):
        own = {"id": str(uuid.UUID(int=(7 << 76) | (2 << 62) | number)), "tenant_id": str(uuid.UUID(int=0))}
        own |= {"created_at": WHEN, "updated_at": WHEN, "user_id": own["tenant_id"], "category": "resume"}
        lines.append(json.dumps({"kind": "settings", "record": own | {"key": f"k{number}", "value": number}}).encode())
    heading = b'{"sidecar_export": 1}\n'
    return [heading + b"\n".join(lines[at : at + AN_IMPORT]) for at in range(0, CHANGES, AN_IMPORT)]


async def test_who_leaves_and_resumes_hears_every_change_once_and_in_order(daemon: DaemonProcess) -> None:
    await daemon.serve()
    sent = batches()
    kills = {len(sent) * (number + 1) // (RESTARTS + 1) for number in range(RESTARTS)}
    async with aiohttp.ClientSession() as http:
        caller = Importer(daemon, http)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen(caller, CHANGES))
            for number, lines in enumerate(sent):
                storing = tasks.create_task(caller.store(lines))
                if number in kills:
                    await asyncio.sleep(0.05)
                    await daemon.kill()
                    await daemon.serve()
                while not await storing:
                    storing = tasks.create_task(caller.store(lines))
        heard, visits = listening.result()
        assert heard == await caller.log()
    assert len(set(heard)) == len(heard) == CHANGES
    assert visits >= RECONNECTS
