"""How often a secret may be guessed: by one peer, and on one account, without letting a stranger lock its owner out.

An account has one bucket for all peers that it does not know, and one for each that it knows. So a stranger who guesses
empties only the strangers' bucket. Known are: who shows the pairing key, processes of the daemon's own user
(``api.peers`` asks the system whose process a connection is), and peers that have logged in to the account before. An
attempt that succeeds is given back. How many of a stranger's wait at once is bounded too: the queue is for all.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sidecar import limits
from sidecar.auth.buckets import Buckets, Rate, Taken
from sidecar.clock import Clock
from sidecar.errors import UnavailableError
from sidecar.models.users import fold_email

PEER = Rate("attempts-of-peer", limits.peer_attempts_burst, limits.peer_attempts_per_minute)
ACCOUNT = Rate("attempts-on-account", limits.login_attempts_burst, limits.login_attempts_per_minute)
EXCHANGES = Rate("exchanges-of-login", limits.login_exchanges_burst, limits.login_exchanges_per_minute)
REFUSALS = Rate("refusals", limits.audited_refusals_burst, limits.audited_refusals_per_minute)


class Peer(NamedTuple):
    """Who stands at the other end of a connection.

    Attributes:
        name: That it is of this machine, and on Linux the user whose process it is.
        is_own: It is surely a process of the daemon's own user.
    """

    name: str
    is_own: bool


class Attempts:
    """Counts attempts.

    Args:
        clock: Fills the buckets.
    """

    def __init__(self, clock: Clock) -> None:
        self._peers = Buckets(clock, keys_max=limits.buckets_max)
        self._accounts = Buckets(clock, keys_max=limits.buckets_max)
        self._families = Buckets(clock, keys_max=limits.buckets_max)
        self._refusals = Buckets(clock, keys_max=limits.buckets_max)
        self._waiting: Counter[str] = Counter()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def by_peer(self, peer: Peer, *, is_paired: bool = False) -> Taken:
        """Count an attempt of a peer."""
        return self._peers.take(_name(peer, is_paired=is_paired), PEER)

    def by_family(self, family: str) -> Taken:
        """Count an exchange of a refresh token, right or used before: each writes rows."""
        return self._families.take(family, EXCHANGES)

    def on_account(self, email: str, peer: Peer, *, is_paired: bool) -> Taken:
        """Count an attempt on an account, whether there is one of that address or not."""
        return self._accounts.take(self._key(email, peer, is_paired=is_paired), ACCOUNT)

    def succeeded(self, peer: Peer, email: str | None = None, *, is_paired: bool = False) -> None:
        """Give an attempt back, and know the peer from now on."""
        self._peers.give_back(_name(peer, is_paired=is_paired), PEER)
        if email is None:
            return
        self._accounts.give_back(self._key(email, peer, is_paired=is_paired), ACCOUNT)
        self._known[fold_email(email), peer.name] = None
        self._known.move_to_end((fold_email(email), peer.name))
        if len(self._known) > limits.buckets_max:
            self._known.popitem(last=False)

    @contextmanager
    def waiting(self, peer: Peer, *, is_paired: bool) -> Iterator[None]:
        """Let one more attempt of a peer wait inside the block.

        Raises:
            UnavailableError: Too many of a stranger's wait already (code ``busy``).
        """
        name = _name(peer, is_paired=is_paired)
        is_stranger = not (is_paired or peer.is_own)
        if is_stranger and self._waiting[name] >= limits.password_hashes_of_stranger_max:
            raise UnavailableError(
                "Too many of your logins wait already; try again in a moment.",
                code="busy",
                details={"retry_after_seconds": 1},
            )
        self._waiting[name] += 1
        try:
            yield
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]

    def may_be_audited(self, peer: Peer) -> bool:
        """Tell whether one more refusal of a peer without an account is worth a row: a flood may not fill the disk."""
        return self._refusals.take(peer.name, REFUSALS).allowed

    def _key(self, email: str, peer: Peer, *, is_paired: bool) -> tuple[str, str]:
        address = fold_email(email)
        is_known = is_paired or peer.is_own or (address, peer.name) in self._known
        return address, _name(peer, is_paired=is_paired) if is_known else "strangers"


def _name(peer: Peer, *, is_paired: bool) -> str:
    """Return whose bucket an attempt is taken from; who shows the pairing key needs no system to tell who they are."""
    return "paired" if is_paired else peer.name
