"""Tickets that let a browser in once: made by a login, good for a minute, kept in memory only.

A restart forgets them, which costs a click. The ticket stands in a URL, so it is worth nothing after its first use; nor
after the end of the login that made it, which whoever takes it has to look up.
"""

import hashlib
import secrets
from collections import OrderedDict

from sidecar import limits
from sidecar.auth.tokens import Principal
from sidecar.clock import Clock


class Tickets:
    """Makes and takes tickets.

    Args:
        clock: Tells when one is too old.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._holders: OrderedDict[str, tuple[Principal, float]] = OrderedDict()  # by hash, oldest first

    def issue(self, holder: Principal) -> str:
        """Return a new ticket of a login."""
        ticket = secrets.token_urlsafe(limits.ticket_bytes)
        self._holders[_hash(ticket)] = holder, self._clock.monotonic() + limits.ticket_seconds
        if len(self._holders) > limits.tickets_max:
            self._holders.popitem(last=False)
        return ticket

    def take(self, ticket: str) -> Principal | None:
        """Return who has made a ticket, once; None when it is none, was used, or is too old."""
        holder, ends_at = self._holders.pop(_hash(ticket), (None, 0.0))
        return holder if self._clock.monotonic() < ends_at else None


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).hexdigest()
