"""What logins cost everybody else: the latency of other requests while 20 clients log in at once.

A daemon as a process of its own, a prober that asks for one record every few milliseconds, and another process that
logs in without a pause. Prints the prober's latencies idle and busy; the bar is a busy p99 below three times
the idle one.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

PASSWORD = "correct horse battery staple"  # noqa: S105 - of accounts that live as long as this run
BAR = 3.0
PROBE_SECONDS = 0.004


def main(arguments: list[str]) -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(prog="scripts/bench auth")
    parser.add_argument("--logins", type=int, default=20, help="clients that log in at once")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each round lasts")
    parser.add_argument("--rounds", type=int, default=3, help="idle and busy in turn, so often")
    parser.add_argument("--log-in-at", nargs=2, metavar=("URL", "KEY"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.log_in_at:
        url, key = options.log_in_at
        asyncio.run(_log_in_for_ever(url, key, options.logins))
    home = Path(tempfile.mkdtemp(prefix="sidecar-bench-"))
    daemon = subprocess.Popen(
        [sys.executable, "-m", "sidecar", "up", "--port", "0", str(home)],
        env={**os.environ, "SIDECAR_HOME": str(home / "home")},  # noqa: TID251 - handed on to the daemon
        stdout=subprocess.DEVNULL,
    )
    try:
        asyncio.run(_measure(home / "home" / "run", options))
    finally:
        daemon.terminate()
        daemon.wait()
        shutil.rmtree(home)
    return 0


async def _measure(runtime: Path, options: argparse.Namespace) -> None:
    url, key = await _endpoint(runtime)
    async with aiohttp.ClientSession(url) as http:
        await _register(http, key, options.logins)
        token = (await _post(http, "/api/v5/auth/pair", {}, key))["access_token"]
        await _probe(http, token, 1.0)  # warm
        print(f"{'round':8}{'':6}{'requests':>10}{'p50 ms':>10}{'p99 ms':>10}{'max ms':>10}{'p99 ratio':>11}")
        ratios = []
        for number in range(1, options.rounds + 1):
            idle = await _probe(http, token, options.seconds)
            _print_row(number, "idle", idle)
            load = subprocess.Popen(
                [sys.executable, __file__, "--logins", str(options.logins), "--log-in-at", url, key]
            )
            await asyncio.sleep(1.5)  # the process has to start
            busy = await _probe(http, token, options.seconds)
            load.kill()
            load.wait()
            ratios.append(_p99(busy) / _p99(idle))
            _print_row(number, "busy", busy, f"{ratios[-1]:11.2f}")
        print(f"{options.logins} parallel logins: p99 of other requests x {statistics.median(ratios):.2f}; bar {BAR}")


async def _endpoint(runtime: Path) -> tuple[str, str]:
    while not (runtime / "endpoint.json").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.05)
    endpoint = json.loads((runtime / "endpoint.json").read_text())
    return endpoint["url"], (runtime / "pairing.key").read_text().strip()


async def _post(http: aiohttp.ClientSession, path: str, body: dict[str, str], key: str = "") -> dict[str, str]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with http.post(path, json=body, headers=headers) as answer:
        content = await answer.json()
        if answer.status >= 400:
            raise RuntimeError(content)
        return dict(content)


async def _register(http: aiohttp.ClientSession, key: str, count: int) -> None:
    for number in range(count):
        await _post(http, "/api/v5/auth/register", {"email": f"{number}@bench", "password": PASSWORD}, key)


async def _log_in_for_ever(url: str, key: str, count: int) -> None:
    async with aiohttp.ClientSession(url) as http, asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(_log_in_again_and_again(http, f"{number}@bench", key))


async def _log_in_again_and_again(http: aiohttp.ClientSession, email: str, key: str) -> None:
    while True:
        await _post(http, "/api/v5/auth/login", {"email": email, "password": PASSWORD}, key)


async def _probe(http: aiohttp.ClientSession, token: str, seconds: float) -> list[float]:
    """Ask for one record every few milliseconds; return the latencies in milliseconds, sorted."""
    headers = {"Authorization": f"Bearer {token}"}
    latencies = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        async with http.get("/api/v5/users/me", headers=headers) as answer:
            await answer.read()
        latencies.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(max(0.0, began + PROBE_SECONDS - time.perf_counter()))
    return sorted(latencies)


def _p99(latencies: list[float]) -> float:
    return latencies[int(len(latencies) * 0.99)]


def _print_row(number: int, name: str, latencies: list[float], more: str = "") -> None:
    p50 = statistics.median(latencies)
    print(f"{number:<8}{name:6}{len(latencies):10}{p50:10.2f}{_p99(latencies):10.2f}{latencies[-1]:10.2f}{more}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
