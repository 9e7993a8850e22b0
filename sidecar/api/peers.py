"""Who stands at the other end of a connection: a process of this machine, and on Linux the user whose process it is.

The daemon listens on the loopback address alone, so a peer's address tells nothing of who it is: all users of a machine
may have the same one, and each of them may have any of the sixteen million that begin with 127. Only the system can
tell users apart.
"""

import os
import socket
import sys
from pathlib import Path

from aiohttp import hdrs, web

from sidecar.auth.attempts import Peer
from sidecar.services.audit import Device

_TABLES = {socket.AF_INET: Path("/proc/net/tcp"), socket.AF_INET6: Path("/proc/net/tcp6")}
_LOOPBACK = "loopback"
_LOCAL, _REMOTE, _UID = 1, 2, 7  # columns, by proc(5)


def device_of(request: web.Request, workspace_session_id: str | None = None) -> Device:
    """Return where a request comes from, as the audit trail tells it: bytes of a header that are no text as ``?``."""
    agent = request.headers.get(hdrs.USER_AGENT, "")
    agent = agent if agent.isascii() else agent.encode("utf-8", "replace").decode()
    return Device(request.remote or "", agent, workspace_session_id)


def peer_of(request: web.Request) -> Peer:
    """Return who sends a request. Reads the system's table of connections: for secrets, not for every request."""
    link = request.transport.get_extra_info("socket") if request.transport else None
    uid = _uid_of(link) if link is not None and sys.platform == "linux" else None
    if uid is None:
        return Peer(_LOOPBACK, is_own=False)
    return Peer(f"{_LOOPBACK} uid {uid}", is_own=uid == os.geteuid())


def _uid_of(link: socket.socket) -> int | None:
    """Return the user that owns the other end of a connection inside this machine; None when there is none."""
    try:
        here, there = (_hex(link.family, name) for name in (link.getsockname(), link.getpeername()))
        rows = _TABLES[link.family].read_text("ascii").splitlines()
    except (OSError, KeyError):  # closed meanwhile, or a system without these tables
        return None
    for row in rows[1:]:
        columns = row.split()
        if (columns[_LOCAL], columns[_REMOTE]) == (there, here):
            return int(columns[_UID])
    return None


def _hex(family: int, name: tuple[str, int]) -> str:
    """Return an address as the kernel prints it: 32-bit words in the machine's own byte order, then the port."""
    raw = socket.inet_pton(family, name[0])
    words = (int.from_bytes(raw[at : at + 4], sys.byteorder) for at in range(0, len(raw), 4))
    return "".join(f"{word:08X}" for word in words) + f":{name[1]:04X}"
