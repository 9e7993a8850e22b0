"""Another user of this machine, for real: a process of theirs finds every door closed, and closes none."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sidecar import limits
from sidecar.api import peers
from sidecar.auth.attempts import Peer
from sidecar.auth.passwords import Match, Passwords
from tests.integration.house import PASSWORD, Answer, House, running_house

EMAIL = "dev@example.org"
NOBODY_UID = 65_534
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")

# What the stranger runs: standard library only. Prints the statuses that it got.
GUESS = """
import http.client, json, sys
statuses = []
for number in range(int(sys.argv[2])):
    http_ = http.client.HTTPConnection(sys.argv[1])
    body = json.dumps({"email": sys.argv[3], "password": f"guess {number}"})
    http_.request("POST", "/api/v5/auth/login", body, {"Content-Type": "application/json"})
    statuses.append(http_.getresponse().status)
print(json.dumps(statuses))
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


@contextmanager
def connection(family: int, address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]) as client:
            server, _ = listener.accept()
            with server:
                yield client, server


@linux
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_system_tells_whose_process_a_connection_is(family: int, address: str) -> None:
    with connection(family, address) as (_, server):
        assert peers._uid_of(server) == os.geteuid()  # noqa: SLF001 - on sockets that no request comes over


@linux
def test_a_connection_that_is_gone_is_nobodys() -> None:
    with connection(socket.AF_INET, "127.0.0.1") as (_, server):
        server.close()
        assert peers._uid_of(server) is None  # noqa: SLF001 - the same


@linux
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_who_has_closed_their_end_is_nobody_and_not_root(family: int, address: str) -> None:
    with connection(family, address) as (client, server):
        client.shutdown(socket.SHUT_WR)
        assert peers._uid_of(server) == os.geteuid()  # noqa: SLF001 - the same
        client.close()
        assert peers._uid_of(server) is None  # noqa: SLF001 - the same


async def stranger(script: str, *arguments: str) -> Any:
    """Run a script as nobody."""
    child = await asyncio.create_subprocess_exec(
        "python3", "-I", "-c", script, *arguments, stdout=subprocess.PIPE, user=NOBODY_UID, group=NOBODY_UID, cwd="/"
    )
    output, _ = await child.communicate()
    assert child.returncode == 0
    return json.loads(output)


@linux
@root
async def test_a_stranger_who_guesses_is_slowed_and_locks_nobody_out(house: House) -> None:
    await house.register(EMAIL)
    burst = limits.login_attempts_burst
    statuses = await stranger(GUESS, house.host, str(burst + 3), EMAIL)
    assert statuses[:burst] == [401] * burst
    assert 429 in statuses[burst:]
    assert (await house.login(EMAIL)).status == 200, "the owner has a bucket of their own"
    owner = (await house.login(EMAIL)).content
    rows = await house.events(owner["access_token"], event="auth.login_refused")
    assert len(rows) == statuses.count(401)


@linux
async def test_a_stranger_with_many_addresses_is_one_stranger(house: House) -> None:
    """Whoever has a machine has all of 127.0.0.0/8."""
    bad = ("GET", "/api/v5/users/me"), ("GET", "/open/nonsense")
    for number in range(limits.peer_attempts_burst + 20):
        statuses = [await status_from(house, f"127.0.{number}.2", *each) for each in bad]
        if 429 in statuses:
            break
    assert statuses == [401, 429], "buckets fill a little meanwhile, but not by twenty"
    rows = [row["event_type"] for row in await house.events((await house.pair())["access_token"])]
    assert rows.count("auth.refused") + rows.count("auth.ticket_refused") < limits.audited_refusals_burst + 20


async def status_from(house: House, address: str, method: str, path: str) -> int:
    """Ask with a wrong token from one of this machine's addresses; return the answer's status."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(address, 0))) as http,
        http.request(method, house.daemon.url + path, headers={"Authorization": "Bearer wrong"}) as answer,
    ):
        return answer.status


async def test_a_strangers_logins_that_wait_leave_places_for_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.register(EMAIL)
    hashed, find = asyncio.Event(), Passwords.find

    async def slow(passwords: Passwords, stored: Sequence[str | None], given: str) -> Match | None:
        if given == "guess":
            await hashed.wait()
            return None
        return await find(passwords, stored, given)

    def peer_of(request: web.Request) -> Peer:
        name = request.headers.get("User-Agent", "")
        return Peer(f"loopback uid {name}", is_own=name == "own")

    monkeypatch.setattr(Passwords, "find", slow)
    monkeypatch.setattr("sidecar.api.auth.peer_of", peer_of)

    async def login(name: str, email: str, password: str) -> Answer:
        sent = {"email": email, "password": password}
        return await house.call("POST", "/api/v5/auth/login", headers={"User-Agent": name}, json=sent)

    most = limits.password_hashes_of_stranger_max
    waiting = [asyncio.ensure_future(login("4711", f"{n}@example.org", "guess")) for n in range(most + 1)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    [refused] = [each.result() for each in done]
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "busy", "1")
    for name in ("own", "4712"):
        assert (await login(name, EMAIL, PASSWORD)).status == 200
    hashed.set()
    assert sorted(each.status for each in await asyncio.gather(*waiting)) == [401] * most + [503]
    assert (await login("4711", EMAIL, PASSWORD)).status == 200


@linux
@root
@pytest.mark.parametrize("name", ["run/pairing.key", "run/endpoint.json", "data/signing.keys", "data/store/data.mdb"])
async def test_a_stranger_can_read_no_file_of_the_daemons(house: House, tmp_path: Path, name: str) -> None:
    for folder in (tmp_path, *tmp_path.parents):  # as if the home folder itself were open to all
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    script = """
import json, sys
try:
    open(sys.argv[1], "rb").read()
    print(json.dumps("read"))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""
    public = tmp_path / "public"
    public.write_text("x")
    assert await stranger(script, str(public)) == "read", "the stranger reaches the folder above"
    assert (tmp_path / "home" / name).exists()
    assert await stranger(script, str(tmp_path / "home" / name)) == "PermissionError"
    assert house.daemon.url


async def test_where_the_system_does_not_tell_a_peer_is_somebody_of_this_machine(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    peer_of = peers.peer_of

    def noting(request: web.Request) -> Any:
        seen.append(peer_of(request))
        return seen[-1]

    monkeypatch.setattr("sidecar.api.auth.peer_of", noting)
    monkeypatch.setattr("sys.platform", "win32")
    await house.login("nobody@example.org")
    monkeypatch.undo()
    assert [(peer.name, peer.is_own) for peer in seen] == [("loopback", False)]
