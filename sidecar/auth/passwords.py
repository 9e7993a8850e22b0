"""Passwords as argon2id hashes: made and checked in threads of their own, few at a time.

Called by ``services.accounts`` and ``services.users``. One hash takes 64 MiB and about a fifth of a second of a core,
so hashing never runs on the event loop, stands back for everything else, and a queue that would grow without bound is
refused.
"""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from argon2 import Parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from sidecar import limits
from sidecar.auth import argon2id
from sidecar.errors import UnavailableError

T = TypeVar("T")


class Verdict(NamedTuple):
    """What checking a password gave.

    Attributes:
        matches: It is the one that was hashed.
        new_hash: To be stored in place of the old one, which was made with other parameters; mostly None.
    """

    matches: bool
    new_hash: str | None = None


class Match(NamedTuple):
    """Which of some hashes a password is the one of.

    Attributes:
        new_hash: As in ``Verdict``.
    """

    at: int
    new_hash: str | None = None


class Passwords:
    """Hashes and checks passwords.

    Args:
        parameters: argon2's; the library's RFC 9106 profile for machines that have other things to do.
        cores: How many the machine has; at most half of them hash at a time, and one at least.
    """

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY, *, cores: int | None = None) -> None:
        self._parameters = parameters
        self._at_once = max(1, (cores or os.cpu_count() or 1) // 2)
        self._threads = ThreadPoolExecutor(self._at_once, "sidecar-password", initializer=_stand_back)
        self._under_way = 0
        self._nobodys_hash = argon2id.hash_of_nothing(parameters)

    async def hash(self, password: str) -> str:
        """Return the text to store of a password.

        Raises:
            UnavailableError: Too many wait already (code ``busy``).
        """
        return await self._run(lambda: argon2id.new_hash(_prepared(password), self._parameters))

    async def check(self, stored: str | None, password: str) -> Verdict:
        """Compare a password with what is stored; as slow where nothing is stored, so that time tells nothing.

        Raises:
            UnavailableError: Too many wait already (code ``busy``).
        """
        return await self._run(lambda: self._check(stored, password))

    async def find(self, stored: Sequence[str | None], password: str) -> Match | None:
        """Return the first of at most ``limits.login_accounts_max`` hashes that a password is the one of.

        When it is of none, that takes as long however many there are.

        Raises:
            UnavailableError: Too many wait already (code ``busy``).
        """
        return await self._run(lambda: self._find(stored, password))

    def close(self) -> None:
        """End the threads, after what they have begun."""
        self._threads.shutdown(cancel_futures=True)

    def _check(self, stored: str | None, password: str) -> Verdict:
        given = _prepared(password)
        if not argon2id.matches(stored or self._nobodys_hash, given) or stored is None:
            return Verdict(matches=False)
        if argon2id.was_made_with(stored, self._parameters):
            return Verdict(matches=True)
        return Verdict(matches=True, new_hash=argon2id.new_hash(given, self._parameters))

    def _find(self, stored: Sequence[str | None], password: str) -> Match | None:
        fewer = limits.login_accounts_max - len(stored)
        for at, each in enumerate([*stored, *[None] * fewer]):
            verdict = self._check(each, password)
            if verdict.matches:
                return Match(at, verdict.new_hash)
        return None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._at_once + limits.password_hashes_waiting_max:
            raise UnavailableError(
                "Too many logins wait already; try again in a moment.", code="busy", details={"retry_after_seconds": 1}
            )
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _prepared(password: str) -> bytes:
    """Return the bytes of a password, the same however the keyboard composed its characters (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password).encode()


def _stand_back() -> None:
    """Let the scheduler prefer every other thread.

    Only Linux gives a single thread its own standing; elsewhere the few threads have to do.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), limits.password_thread_niceness)
