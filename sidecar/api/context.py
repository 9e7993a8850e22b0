"""What handlers work with: built by ``daemon.wiring``, carried by the aiohttp application."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from sidecar.auth.tokens import Principal, Tokens
from sidecar.feed.hub import Hub
from sidecar.feed.log import ChangeLog
from sidecar.feed.progress import ProgressBoard
from sidecar.repositories.transactions import Database
from sidecar.services.accounts import Accounts
from sidecar.services.workspaces import WorkspaceService

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Policy(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    PAIRING_KEY = "pairing_key"
    USER = "user"
    SOCKET = "socket"  # a user, shown in the header or in the first message


@dataclass(frozen=True)
class Context:
    """Everything a handler may reach.

    Attributes:
        feed: Gives the log and the hub of a tenant, by its id.
        draining: Set when the daemon stops; sockets then close.
        hosts: The values of the Host header that name this daemon.
    """

    database: Database
    tokens: Tokens
    accounts: Accounts
    workspaces: WorkspaceService
    feed: Callable[[str], tuple[ChangeLog, Hub]]
    progress: ProgressBoard
    pairing_key: str = field(repr=False)
    hosts: frozenset[str]
    draining: asyncio.Event


CONTEXT = web.AppKey("context", Context)
POLICIES = web.AppKey("policies", Mapping[Handler, Policy])
PRINCIPAL = web.RequestKey("principal", Principal)
REQUEST_ID = web.RequestKey("request_id", str)
