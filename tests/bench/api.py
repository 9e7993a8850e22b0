"""The API beside a bare aiohttp handler that returns the same bytes: ``scripts/bench api``. Needs ``wrk``.

Both are served by processes of their own and loaded by the same wrk, 16 connections, in turns; the best of three
counts. The daemon logs, and runs on the event loop, as it does in service; the bare handler runs on asyncio's own.
"""

import argparse
import asyncio
import json
import multiprocessing
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from sidecar import config
from sidecar.clock import SystemClock
from sidecar.daemon.logs import logging_to
from sidecar.daemon.running import run, settle
from sidecar.daemon.wiring import Daemon
from sidecar.models.tenants import TenantLimits, TenantSettings
from sidecar.repositories.tenants import Tenants
from sidecar.services.audit import Device
from sidecar.store.embedded.environment import Environment

SECONDS = 4
CONNECTIONS = 16
LIST_ITEMS = 50
SESSIONS = 256  # so that 64 clients seldom change the same one at once
STATE_CHARS = 19_000
FILES = 80_000
PACE_SECONDS = 0.004
_SYNCS = ("syncs_total", "sync_seconds_total")
PUT_SCRIPT = """
wrk.method = "PUT"
wrk.body = io.open("{body}", "rb"):read("*a")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Prefer"] = "return=minimal"
wrk.headers["Authorization"] = "Bearer {token}"
local n = 0
request = function() n = n + 1; return wrk.format(nil, string.format("{path}", {ids})) end
"""


class Load(NamedTuple):
    """What wrk tells."""

    per_second: float
    p99_ms: float
    errors: int


def main(arguments: Sequence[str]) -> int:
    """Run the measurements that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="bench api")
    parser.add_argument("--files", type=int, default=FILES, help="files to index; 0 leaves that out")
    parser.add_argument(
        "--sync-ms", type=float, default=0, help="lengthen each commit by so much: 2 is a common SSD, virtual disks lie"
    )
    options = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        raise SystemExit("bench api needs wrk; on Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="sidecar-bench-") as folder:
        asyncio.run(_measure(Path(folder), options.files, options.sync_ms))
    return 0


async def _measure(folder: Path, files: int, sync_ms: float) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    daemon = context.Process(target=_serve_daemon, args=(theirs, str(folder), sync_ms))
    daemon.start()
    url, token = ours.recv()
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with aiohttp.ClientSession(headers=headers) as http:
            ids = [await _store(http, url, number) for number in range(SESSIONS)]
            one, many = f"/api/v5/sessions/{ids[0]}", f"/api/v5/sessions?limit={LIST_ITEMS}"
            for name, path, bar in (("one session", one, 0.6), (f"list of {LIST_ITEMS}", many, 0.3)):
                async with http.get(url + path) as answer:
                    body = await answer.read()
                _compare(context, f"GET {name} ({len(body):,} bytes)", url + path, body, (token, bar))
            await _puts(http, folder, url, token, ids)
            if files:
                await _while_indexing(http, url, one, _tree(folder / "tree", files))
    finally:
        ours.send(None)
        daemon.join()


def _compare(context: Any, name: str, url: str, body: bytes, other: tuple[str, float]) -> None:
    token, bar = other
    ours, theirs = context.Pipe()
    bare = context.Process(target=_serve_bare, args=(theirs, body))
    bare.start()
    bare_url = ours.recv()
    loads = [(_wrk(url, token), _wrk(bare_url, token)) for _ in range(3)]
    ours.send(None)
    bare.join()
    own, floor = (max(each, key=lambda load: load.per_second) for each in zip(*loads, strict=True))
    ratio = own.per_second / floor.per_second
    _row(name, f"{own.per_second:,.0f}/s of {floor.per_second:,.0f}/s = {ratio:.2f} (bar {bar}), errors {own.errors}")


async def _puts(http: aiohttp.ClientSession, folder: Path, url: str, token: str, ids: list[str]) -> None:
    """One client waits for a commit each time, many share it: what they gain depends on what a commit takes here."""
    (folder / "body.json").write_bytes(json.dumps(_session(1)).encode())
    rates = []
    for clients in (1, 64):
        before = await _commits(http, url)
        script = folder / f"put-{clients}.lua"
        table = "({" + ",".join(f'"{each}"' for each in ids) + "})[n % " + str(len(ids)) + " + 1]"
        text = PUT_SCRIPT.format(body=folder / "body.json", token=token, path="/api/v5/sessions/%s", ids=table)
        script.write_text(text)
        load = _wrk(url, token, clients=clients, script=script)
        rates.append(load.per_second)
        count, seconds = (after - since for after, since in zip(await _commits(http, url), before, strict=True))
        told = f"{load.per_second:,.0f}/s, p99 {load.p99_ms:.1f} ms, errors {load.errors}"
        told += f", {load.per_second * SECONDS / count:.1f} in a commit of {seconds / count * 1_000:.2f} ms"
        _row(f"PUT of 20 kB, {clients} clients", told)
    _row("PUT, 64 clients : 1", f"{rates[1] / rates[0]:.1f} x (bar 4)")


async def _commits(http: aiohttp.ClientSession, url: str) -> tuple[float, float]:
    """Return how many commits the store has synced, and the seconds that they took."""
    async with http.get(f"{url}/metrics") as answer:
        text = await answer.text()
    count, seconds = (re.search(rf"^sidecar_store_{name} (\S+)$", text, re.MULTILINE) for name in _SYNCS)
    assert count is not None
    assert seconds is not None
    return float(count[1]), float(seconds[1])


async def _while_indexing(http: aiohttp.ClientSession, url: str, path: str, root: Path) -> None:
    for name, index in (("idle", False), (f"while {FILES:,} files are indexed", True)):
        workspace = None
        if index:
            async with http.post(f"{url}/api/v5/workspaces", json={"path": str(root)}) as answer:
                workspace = await answer.json()
        times: list[float] = []
        began = time.perf_counter()
        while workspace is not None or time.perf_counter() - began < SECONDS:
            at = time.perf_counter()
            async with http.get(url + path) as answer:
                await answer.read()
            times.append((time.perf_counter() - at) * 1_000)
            await asyncio.sleep(PACE_SECONDS)
            if workspace is not None and len(times) % 50 == 0:
                async with http.get(f"{url}/api/v5/workspaces/{workspace['id']}") as answer:
                    if (await answer.json())["progress"]["state"] != "scanning":
                        break
        p99 = statistics.quantiles(times, n=100)[98]
        took = time.perf_counter() - began
        told = f"p50 {statistics.median(times):.1f} ms, p99 {p99:.1f} ms, worst {max(times):.1f} ms, {took:.1f} s"
        _row(f"GET {name}", told)


def _wrk(url: str, token: str, *, clients: int = CONNECTIONS, script: Path | None = None) -> Load:
    command = ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "--latency", "-H", f"Authorization: Bearer {token}"]
    if script is not None:
        command += ["-s", str(script)]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", done)
    latency = re.search(r"99%\s+([\d.]+)(us|ms|s)\n", done)
    assert found is not None
    assert latency is not None
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[latency[2]]
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return Load(float(found[1]), float(latency[1]) * scale, int(wrong[1]) if wrong else 0)


def _session(number: int) -> dict[str, Any]:
    tabs = [{"path": f"src/module_{n}.py", "pinned": n % 3 == 0, "language": "python"} for n in range(60)]
    text = "x" * 75 + "\n"
    return {
        "name": f"session {number}",
        "workspace_path": "/home/you/demo",
        "git_branch": "main",
        "tags": ["bench"],
        "editor_state": {"groups": [{"tabs": tabs}]},
        "terminal_state": {"terminals": [{"name": "zsh", "scrollback": text * 180}]},
    }


async def _store(http: aiohttp.ClientSession, url: str, number: int) -> str:
    async with http.post(f"{url}/api/v5/sessions", json=_session(number)) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


def _tree(root: Path, files: int) -> Path:
    for number in range(files):
        folder = root / f"{number // 1000}" / f"{number // 50 % 20}"
        if number % 50 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number}.py").write_text(f"print({number})\n" * 40)
    return root


def _serve_daemon(pipe: Connection, folder: str, sync_ms: float) -> None:
    if sync_ms:
        _lengthen_commits(sync_ms / 1000)
    run(_daemon(pipe, Path(folder)))


def _lengthen_commits(seconds: float) -> None:
    write = Environment.write

    def slow(self: Environment, work: Any) -> None:
        write(self, work)
        time.sleep(seconds)

    Environment.write = slow  # type: ignore[method-assign] # the disk that this machine does not have


async def _daemon(pipe: Connection, folder: Path) -> None:
    settings = config.load({"home": folder / "home", "port": 0})
    with logging_to(folder / "log" / "sidecar.log", "info"):
        settle()
        async with Daemon(settings, clock=SystemClock()) as daemon:
            login = await daemon.context.accounts.pair(Device("127.0.0.1", "bench"))
            keys = daemon.context.database.keyspace.tenant(login.tenant.id)
            wide = TenantSettings(limits=TenantLimits(requests_per_minute_max=100_000_000))
            own = login.tenant.id
            await daemon.context.database.transact(lambda tr: Tenants(keys).update(tr, own, {"settings": wide}))
            pipe.send((daemon.url, login.access_token))
            await asyncio.to_thread(pipe.recv)


def _serve_bare(pipe: Connection, body: bytes) -> None:
    asyncio.run(_bare(pipe, body))


async def _bare(pipe: Connection, body: bytes) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    app = web.Application()
    app.router.add_get("/", handler)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        await asyncio.to_thread(pipe.recv)


def _row(name: str, told: str) -> None:
    print(f"{name:<45} {told}", flush=True)
