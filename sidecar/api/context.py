"""What handlers work with: built by ``daemon.wiring``, carried by the aiohttp application."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from sidecar.api.crowd import Crowd
from sidecar.api.folders import Folders
from sidecar.api.upkeep import Upkeep
from sidecar.auth.attempts import Attempts
from sidecar.auth.buckets import Buckets, Taken
from sidecar.auth.tokens import Tokens
from sidecar.feed.hub import Hub
from sidecar.feed.log import ChangeLog
from sidecar.feed.progress import ProgressBoard
from sidecar.ids import RequestIds
from sidecar.metrics import Metrics
from sidecar.repositories.transactions import Database
from sidecar.search.index import Search
from sidecar.services.accounts import Accounts
from sidecar.services.callers import Caller, Callers
from sidecar.services.conversations import ConversationService
from sidecar.services.logins import Logins
from sidecar.services.sessions import SessionService
from sidecar.services.tickets import Tickets
from sidecar.services.transfer import Transfer
from sidecar.services.users import UserService
from sidecar.services.workspaces import WorkspaceService

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Policy(StrEnum):
    """Who may call a route; every route states one."""

    PUBLIC = "public"
    CREDENTIALS = "credentials"  # who shows a secret in the body or the path; each peer may guess only so often
    EXCHANGE = "exchange"  # who shows a refresh token in the body; its handler asks whose bucket to take from
    PAIRING_KEY = "pairing_key"
    USER = "user"  # of any role
    WRITER = "writer"
    MANAGER = "manager"
    ADMIN = "admin"
    SOCKET = "socket"  # a user, shown in the header or in the first message


ROLES: Mapping[Policy, frozenset[str]] = {
    Policy.USER: frozenset({"admin", "manager", "developer", "viewer"}),
    Policy.SOCKET: frozenset({"admin", "manager", "developer", "viewer"}),
    Policy.WRITER: frozenset({"admin", "manager", "developer"}),
    Policy.MANAGER: frozenset({"admin", "manager"}),
    Policy.ADMIN: frozenset({"admin"}),
}


@dataclass(frozen=True)
class Context:
    """Everything a handler may reach.

    Attributes:
        requests: The buckets that users' requests are taken from.
        feed: Gives the log and the hub of a tenant, by its id.
        draining: Set when the daemon stops; sockets then close.
        silent: The connections over which no request has come yet, and what ends them when none does in time.
        hosts: The values of the Host header that name this daemon.
    """

    database: Database
    tokens: Tokens
    callers: Callers
    logins: Logins
    accounts: Accounts
    users: UserService
    tickets: Tickets
    attempts: Attempts
    requests: Buckets
    workspaces: WorkspaceService
    sessions: SessionService
    conversations: ConversationService
    search: Search
    transfer: Transfer
    feed: Callable[[str], tuple[ChangeLog, Hub]]
    progress: ProgressBoard
    folders: Folders
    metrics: Metrics
    upkeep: Upkeep
    pairing_key: str = field(repr=False)
    hosts: frozenset[str]
    draining: asyncio.Event
    request_ids: RequestIds
    silent: dict[web.RequestHandler, asyncio.TimerHandle] = field(default_factory=dict)

    @property
    def cookie_name(self) -> str:
        """The name of the cookie of browsers: the store's own, because cookies do not tell ports apart."""
        return f"sidecar-{self.database.engine.epoch.replace('-', '')[:16]}"


CONTEXT = web.AppKey("context", Context)
CROWD = web.AppKey("crowd", Crowd)
CALLER = web.RequestKey("caller", Caller)
TAKEN = web.RequestKey("taken", Taken)
