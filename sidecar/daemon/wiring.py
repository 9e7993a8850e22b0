"""The one object that builds, runs and closes everything. The CLI runs it; tests start the same one.

Order: the lock, the store, the port, then ``endpoint.json``; closed in reverse, all on one ``AsyncExitStack``.
"""

import asyncio
import getpass
import logging
import os
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import NamedTuple, Self

from sidecar import __version__, limits
from sidecar.api import server
from sidecar.api.context import Context
from sidecar.api.folders import Folders
from sidecar.auth.attempts import Attempts
from sidecar.auth.buckets import Buckets
from sidecar.auth.passwords import Passwords
from sidecar.auth.signing_keys import KeyRing
from sidecar.auth.tokens import Tokens
from sidecar.clock import Clock
from sidecar.config import Settings
from sidecar.daemon.feeds import Feeds
from sidecar.daemon.health import Health
from sidecar.daemon.lifecycle import InstanceLock, Tasks
from sidecar.daemon.loop_watch import LoopWatch
from sidecar.daemon.runtime_files import Notice, make_private_folder, obtain_pairing_key
from sidecar.daemon.service_manager import ServiceManager
from sidecar.daemon.signing_keys import obtain_key_ring, rotate_on_schedule
from sidecar.daemon.store import engine_options
from sidecar.daemon.upkeep import DaemonUpkeep, Parts
from sidecar.endpoint import Endpoint
from sidecar.errors import TransactionError, UnavailableError
from sidecar.feed.progress import ProgressBoard
from sidecar.file_systems import FileSystems
from sidecar.ids import RequestIds
from sidecar.metrics import Metrics
from sidecar.models.workspaces import Workspace, WorkspaceProgress
from sidecar.repositories.changes import Changes
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Database
from sidecar.search.index import Search
from sidecar.services import plans
from sidecar.services.accounts import Accounts
from sidecar.services.callers import Callers, admit
from sidecar.services.conversations import ConversationService
from sidecar.services.logins import Logins
from sidecar.services.migrations import Migrations
from sidecar.services.retention import Retention
from sidecar.services.sessions import SessionService
from sidecar.services.tickets import Tickets
from sidecar.services.transfer import Transfer
from sidecar.services.users import UserService
from sidecar.services.workspaces import WorkspaceService
from sidecar.store.engine import Engine
from sidecar.store.opening import open_engine
from sidecar.surroundings import notify_socket, user_environment
from sidecar.watch.registry import Watchers

log = logging.getLogger(__name__)


class _Trust(NamedTuple):
    """What tells who somebody is."""

    ring: KeyRing
    tokens: Tokens
    passwords: Passwords
    logins: Logins
    accounts: Accounts


class Daemon:
    """A whole daemon: enter it to start, leave it to stop.

    Args:
        settings: Where everything lies and listens.
        clock: Tells the time to all of it.
        reload: Reads the settings anew, from where they came from.

    Raises:
        AlreadyRunningError: On entering: another process holds the lock or the store.
        UnavailableError: On entering: a folder, the store or the port can not be used.
    """

    def __init__(self, settings: Settings, *, clock: Clock, reload: Callable[[], Settings] | None = None) -> None:
        self._settings = settings
        self._reload = reload or (lambda: settings)
        self._clock = clock
        self._stack = AsyncExitStack()
        self.url = ""

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        engine, listener = await self._take_place()
        migrations = await self._open_database(engine)
        trust = await self._open_accounts()
        self._begin_tasks(migrations, trust.ring)
        self._begin_watching()
        pairing_key = obtain_pairing_key(self._settings.runtime_dir)
        notice = Notice(self._settings.runtime_dirs, pairing_key)
        manager = ServiceManager(notify_socket())
        health, loop_watch = await self._begin_health(manager, notice)
        feeds = Feeds(self._database, self._tasks)
        upkeep = self._upkeep(health, loop_watch, feeds)
        self.context = self._context(trust, pairing_key, server.host_names(listener), upkeep=upkeep, feeds=feeds)
        await self._serve(listener, health)
        place = str(self._settings.data_dir)
        notice.publish(Endpoint(self.url, os.getpid(), version=__version__, epoch=engine.epoch, data_dir=place))
        self._stack.callback(notice.withdraw)
        await self._workspaces.start_all()
        manager.ready(f"Serving {self.url}")
        self._stack.callback(manager.stopping)

    async def _take_place(self) -> tuple[Engine, socket.socket]:
        """Take the lock, the store and the port, in this order."""
        settings, stack = self._settings, self._stack
        for folder in (settings.data_dir, settings.state_dir, settings.runtime_dir):
            make_private_folder(folder)
        stack.enter_context(InstanceLock(settings.data_dir))
        engine = await open_engine(settings.store, clock=self._clock, options=engine_options(settings))
        stack.push_async_callback(engine.close)
        return engine, stack.enter_context(server.bind(settings.host, settings.port))

    async def _open_database(self, engine: Engine) -> Migrations:
        """Put records over the store, if it is none of a newer version."""
        self._metrics = Metrics()
        self._database = Database(engine, self._clock, admit=admit, trail=plans.finish, metrics=self._metrics)
        migrations = Migrations(self._database)
        await migrations.check()
        return migrations

    async def _open_accounts(self) -> _Trust:
        ring = obtain_key_ring(self._settings.data_dir, self._clock)
        tokens, passwords = Tokens(ring, self._clock), Passwords()
        self._stack.callback(passwords.close)
        logins = Logins(self._database, tokens)
        accounts = Accounts(self._database, logins, passwords)
        self._machine = await accounts.ensure_machine(_owner_name())
        return _Trust(ring, tokens, passwords, logins, accounts)

    def _begin_tasks(self, migrations: Migrations, ring: KeyRing) -> None:
        self._tasks = Tasks()
        self._stack.push_async_callback(self._tasks.close)
        self._tasks.start(rotate_on_schedule(ring), name="rotation of signing keys")
        self._tasks.start(_keep_in_order(migrations, Retention(self._database)), name="retention")

    def _begin_watching(self) -> None:
        """Make what watches; ``start_all`` has it watch what it watched, once we serve."""
        self._progress = ProgressBoard()
        watchers = Watchers(
            self._database,
            self._clock,
            self._tasks.start,
            self._progress,
            environment=user_environment(),
            own_folders=self._settings.own_dirs,
        )
        self._stack.push_async_callback(watchers.close)
        file_systems = FileSystems()
        self._folders = Folders(file_systems, self._clock)
        self._workspaces = WorkspaceService(self._database, watchers, file_systems)

    async def _begin_health(self, manager: ServiceManager, notice: Notice) -> tuple[Health, LoopWatch]:
        """Look from now on at the event loop, and at what is wrong."""
        loop_watch = LoopWatch(self._metrics, beat=manager.alive, interval_seconds=manager.beat_seconds)
        self._stack.enter_context(loop_watch)
        newest_ms = await self._database.read(Changes(self._owner).newest_at_ms)
        health = Health(self._settings, self._database, loop_watch, notice, newest_ms=newest_ms)
        self._tasks.start(health.look_forever(), name="health")
        return health, loop_watch

    def _upkeep(self, health: Health, loop_watch: LoopWatch, feeds: Feeds) -> DaemonUpkeep:
        parts = Parts(
            database=self._database,
            metrics=self._metrics,
            progress=self._progress,
            loop_watch=loop_watch,
            health=health,
            tasks=self._tasks.__len__,
            ring=feeds.ring_changes,
            reload=self._reload,
        )
        return DaemonUpkeep(self._settings, parts)

    def _context(
        self, trust: _Trust, pairing_key: str, hosts: frozenset[str], *, upkeep: DaemonUpkeep, feeds: Feeds
    ) -> Context:
        """Return what handlers are given."""
        search = Search(self._database, self._settings.data_dir / "search.sqlite3")
        self._stack.push_async_callback(search.close)
        return Context(
            database=self._database,
            tokens=trust.tokens,
            callers=Callers(self._database),
            logins=trust.logins,
            accounts=trust.accounts,
            users=UserService(self._database, trust.passwords),
            tickets=Tickets(self._clock),
            attempts=Attempts(self._clock),
            requests=Buckets(self._clock, keys_max=limits.buckets_max),
            workspaces=self._workspaces,
            sessions=SessionService(self._database),
            conversations=ConversationService(self._database),
            search=search,
            transfer=Transfer(self._database, self._folders.real),
            feed=feeds.of,
            progress=self._progress,
            folders=self._folders,
            metrics=self._metrics,
            upkeep=upkeep,
            pairing_key=pairing_key,
            hosts=hosts,
            draining=asyncio.Event(),
            request_ids=RequestIds(self._clock.now_ms()),
        )

    async def _serve(self, listener: socket.socket, health: Health) -> None:
        http = server.Server(listener, self.context, self._tasks.start)
        await http.start()
        self._stack.push_async_callback(http.close)
        loop = asyncio.get_running_loop()
        health.take_reports_of(loop, relief=http.let_go_of_silent)
        self._stack.callback(loop.set_exception_handler, None)
        self.url = server.url_of(listener)

    @property
    def _owner(self) -> TenantKeys:
        return self._database.keyspace.tenant(self._machine.tenant_id)

    async def watch(self, path: str) -> Workspace:
        """Watch a folder for the machine's owner and return its record; the first scan goes on in the background."""
        workspace, _ = await self._workspaces.add(self._owner, path)
        return workspace

    def progress(self, workspace: Workspace) -> WorkspaceProgress:
        """Return how far a workspace's index is."""
        return self._workspaces.progress(workspace)

    async def failed(self) -> None:
        """Wait until a background task fails, and raise its error. Never returns otherwise."""
        await self._tasks.failed()


async def _keep_in_order(migrations: Migrations, retention: Retention) -> None:
    while True:
        try:
            await migrations.finish()
            break
        except (UnavailableError, TransactionError) as error:
            log.warning("The store could not be brought to this version yet: %s", error.message)
            await asyncio.sleep(limits.failure_wait_seconds_max)
    await retention.run_forever()


def _owner_name() -> str:
    """Return the login name of the account that the daemon runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return f"uid-{os.getuid()}"
