"""Tickets that let a browser in once: made for a user, good for a minute, kept in memory only.

A restart forgets them, which costs a click. The ticket stands in a URL, so it is worth nothing after its first use.
"""

import hashlib
import secrets
from collections import OrderedDict
from typing import NamedTuple

from sidecar import limits
from sidecar.clock import Clock


class TicketHolder(NamedTuple):
    """Whom a ticket lets in."""

    tenant_id: str
    user_id: str


class Tickets:
    """Makes and takes tickets.

    Args:
        clock: Tells when one is too old.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._holders: OrderedDict[str, tuple[TicketHolder, float]] = OrderedDict()  # by hash, oldest first

    def issue(self, holder: TicketHolder) -> str:
        """Return a new ticket for a user."""
        ticket = secrets.token_urlsafe(limits.ticket_bytes)
        self._holders[_hash(ticket)] = holder, self._clock.monotonic() + limits.ticket_seconds
        if len(self._holders) > limits.tickets_max:
            self._holders.popitem(last=False)
        return ticket

    def take(self, ticket: str) -> TicketHolder | None:
        """Return whom a ticket lets in, once; None when it is none, was used, or is too old."""
        holder, ends_at = self._holders.pop(_hash(ticket), (None, 0.0))
        return holder if self._clock.monotonic() < ends_at else None


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).hexdigest()
