"""Whose records a request may reach inside its tenant: one's own.

A manager and an admin read everybody's, an admin changes them too. What may not be read is a 404, so that nobody learns
that it is there.
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from sidecar.api.context import CALLER, CONTEXT
from sidecar.auth.tokens import Principal
from sidecar.errors import ForbiddenError
from sidecar.repositories.base import Repository
from sidecar.repositories.codec import Served, served
from sidecar.repositories.transactions import Reading

READ_ALL = frozenset({"admin", "manager"})


def may_read(principal: Principal, owner_id: str | None) -> bool:
    """Tell whether a caller may read what belongs to ``owner_id``."""
    return owner_id == principal.user_id or principal.role in READ_ALL


def shown_user(request: web.Request, asked: str | None) -> str:
    """Return whose records a list shows: the caller's own unless they ask for another's.

    Raises:
        ForbiddenError: They may not read that user's.
    """
    principal = request[CALLER].principal
    if not may_read(principal, asked or principal.user_id):
        raise ForbiddenError("Only managers and admins read what belongs to others.", code="role")
    return asked or principal.user_id


def check_readable(
    request: web.Request, repository: type[Repository[Any]], identifier: str, found: Served | None
) -> Served:
    """Return a record that the caller may read.

    Raises:
        NotFoundError: There is none, or they may not.
    """
    if found is None or not may_read(request[CALLER].principal, found.user_id):
        raise repository.missing(identifier)
    return found


async def _found(request: web.Request, repository: Repository[Any], identifier: str) -> Served:
    def body(tr: Reading) -> bytes | None:
        value = tr.kv.get(repository.key(identifier))
        return None if value is None else repository.served(tr, value)

    text = await request.app[CONTEXT].database.read(body)
    return check_readable(request, type(repository), identifier, None if text is None else served(text))


async def readable(request: web.Request, repository: Repository[Any], identifier: str | None = None) -> str:
    """Return the id in the path (or the given one) if the caller may read its record; raises as ``check_readable``."""
    identifier = identifier or request.match_info["id"]
    await _found(request, repository, identifier)
    return identifier


async def changeable(request: web.Request, repository: Repository[Any]) -> str:
    """Return the id in the path if the caller may change its record.

    Raises:
        NotFoundError: There is none, or they may not read it.
        ForbiddenError: They may only read it.
    """
    identifier, principal = request.match_info["id"], request[CALLER].principal
    found = await _found(request, repository, identifier)
    if found.user_id != principal.user_id and principal.role != "admin":
        raise ForbiddenError("Only its owner and admins change this.", code="not_owner")
    return identifier


async def check_related(
    request: web.Request, repository: Repository[Any], related: Sequence[str], identifier: str | None = None
) -> None:
    """Check that a record is said to be related to none that the caller may not read; it may keep those that it has.

    What is not there does not matter: a list of related records outlives them.

    Args:
        identifier: Of the record, unless it is new.

    Raises:
        NotFoundError: It names one that they may not read.
    """
    if not related:
        return
    principal = request[CALLER].principal

    def first_hidden(tr: Reading) -> str | None:
        owners = ((each, repository.find_user(tr, each)) for each in related)
        hidden = [each for each, owner in owners if owner is not None and not may_read(principal, owner)]
        old = repository.find(tr, identifier) if hidden and identifier else None
        kept = getattr(old, f"related_{repository.kind}", [])
        return next((each for each in hidden if each not in kept), None)

    hidden = await request.app[CONTEXT].database.read(first_hidden)
    if hidden is not None:
        raise repository.missing(hidden)
