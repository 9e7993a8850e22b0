"""Who stands at the other end of a connection: a process of this machine, and on Linux the user whose process it is.

The daemon listens on the loopback address alone, so a peer's address tells nothing of who it is: all users of a machine
may have the same one, and each of them may have any of the sixteen million that begin with 127. Only the system can
tell users apart.
"""

import os
import socket
import struct
import sys

from aiohttp import hdrs, web

from sidecar.auth.attempts import Peer
from sidecar.services.audit import Device

_LOOPBACK = "loopback"
# Linux' sock_diag(7): a header, what is looked for, and a socket: ports, addresses, interface, cookie.
_QUESTION = struct.Struct("=IHHII BBBBI HH16s16sIQ")
_BY_FAMILY, _REQUEST = 20, 1  # SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST
_NETLINK_SOCK_DIAG = 4
_ANY_STATE, _NO_COOKIE = 2**32 - 1, 2**64 - 1
_ANSWER = struct.Struct("=IHHII 4B48s3III")  # a header, then a socket: state, ids, sizes, uid, inode
_ANSWER_BYTES_MAX = 4_096


def device_of(request: web.Request, workspace_session_id: str | None = None) -> Device:
    """Return where a request comes from, as the audit trail tells it: bytes of a header that are no text as ``?``."""
    agent = request.headers.get(hdrs.USER_AGENT, "")
    agent = agent if agent.isascii() else agent.encode("utf-8", "replace").decode()
    return Device(request.remote or "", agent, workspace_session_id)


def peer_of(request: web.Request) -> Peer:
    """Return who sends a request. Asks the system: for secrets, not for every request."""
    link = request.transport.get_extra_info("socket") if request.transport else None
    uid = _uid_of(link) if link is not None and sys.platform == "linux" else None
    if uid is None:
        return Peer(_LOOPBACK, is_own=False)
    return Peer(f"{_LOOPBACK} uid {uid}", is_own=uid == os.geteuid())


def _uid_of(link: socket.socket) -> int | None:
    """Return the user that owns the other end of a connection inside this machine.

    None when there is none: the kernel calls everyone root who has closed their end. It is asked for this one
    connection, which takes it 20 microseconds; its table of all takes milliseconds, and who opens many makes it long.
    """
    try:
        question = _question(link)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.sendto(question, (0, 0))
            answer = kernel.recv(_ANSWER_BYTES_MAX, socket.MSG_DONTWAIT)
    except OSError:  # closed meanwhile, or a system that does not tell
        return None
    if len(answer) < _ANSWER.size:  # there is no such socket
        return None
    _, kind, *_, uid, inode = _ANSWER.unpack_from(answer)
    return uid if kind == _BY_FAMILY and inode else None


def _question(link: socket.socket) -> bytes:
    """Return the question for the other end of a connection: what is far to us is its own, and the other way round."""
    (own, own_port), (far, far_port) = link.getpeername()[:2], link.getsockname()[:2]
    addresses = [socket.inet_pton(link.family, each).ljust(16, b"\0") for each in (own, far)]
    ports = [socket.htons(each) for each in (own_port, far_port)]
    head = _QUESTION.size, _BY_FAMILY, _REQUEST, 0, 0
    return _QUESTION.pack(*head, link.family, socket.IPPROTO_TCP, 0, 0, _ANY_STATE, *ports, *addresses, 0, _NO_COOKIE)
