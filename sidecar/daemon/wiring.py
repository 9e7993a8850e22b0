"""The one object that builds, runs and closes everything. The CLI runs it; tests start the same one.

Order: the lock, the store, the port, then ``endpoint.json``; closed in reverse, all on one ``AsyncExitStack``.
"""

import asyncio
import getpass
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from sidecar import __version__, limits
from sidecar.api import server
from sidecar.api.context import Context
from sidecar.api.folders import Folders
from sidecar.auth.attempts import Attempts
from sidecar.auth.buckets import Buckets
from sidecar.auth.passwords import Passwords
from sidecar.auth.tokens import Tokens
from sidecar.clock import Clock
from sidecar.config import Settings, notify_socket, user_environment
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
from sidecar.store.opening import open_engine
from sidecar.watch.registry import Watchers

log = logging.getLogger(__name__)


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
        settings, stack = self._settings, self._stack
        for folder in (settings.data_dir, settings.state_dir, settings.runtime_dir):
            make_private_folder(folder)
        stack.enter_context(InstanceLock(settings.data_dir))
        engine = await open_engine(settings.store, clock=self._clock, options=engine_options(settings))
        stack.push_async_callback(engine.close)
        listener = stack.enter_context(server.bind(settings.host, settings.port))

        metrics = Metrics()
        database = Database(engine, self._clock, admit=admit, trail=plans.finish, metrics=metrics)
        migrations = Migrations(database)
        await migrations.check()
        ring = obtain_key_ring(settings.data_dir, self._clock)
        tokens = Tokens(ring, self._clock)
        passwords = Passwords()
        stack.callback(passwords.close)
        logins = Logins(database, tokens)
        accounts = Accounts(database, logins, passwords)
        self._machine = await accounts.ensure_machine(_owner_name())
        self._tasks = Tasks()
        stack.push_async_callback(self._tasks.close)
        self._tasks.start(rotate_on_schedule(ring), name="rotation of signing keys")
        self._tasks.start(_keep_in_order(migrations, Retention(database)), name="retention")
        progress = ProgressBoard()
        self._watchers = Watchers(
            database,
            self._clock,
            self._tasks.start,
            progress,
            environment=user_environment(),
            own_folders=settings.own_dirs,
        )
        stack.push_async_callback(self._watchers.close)
        self._database = database
        file_systems = FileSystems()
        folders = Folders(file_systems, self._clock)
        self._workspaces = WorkspaceService(database, self._watchers, file_systems)
        pairing_key = obtain_pairing_key(settings.runtime_dir)
        notice = Notice(settings.runtime_dirs, pairing_key)
        manager = ServiceManager(notify_socket())
        loop_watch = stack.enter_context(LoopWatch(metrics, beat=manager.alive, interval_seconds=manager.beat_seconds))
        health = await self._begin_health(loop_watch, notice)
        feeds = Feeds(database, self._tasks)
        search = Search(database, settings.data_dir / "search.sqlite3")
        stack.push_async_callback(search.close)
        context = self.context = Context(
            database=database,
            tokens=tokens,
            callers=Callers(database),
            logins=logins,
            accounts=accounts,
            users=UserService(database, passwords),
            tickets=Tickets(self._clock),
            attempts=Attempts(self._clock),
            requests=Buckets(self._clock, keys_max=limits.buckets_max),
            workspaces=self._workspaces,
            sessions=SessionService(database),
            conversations=ConversationService(database),
            search=search,
            transfer=Transfer(database, folders.real),
            feed=feeds.of,
            progress=progress,
            folders=folders,
            metrics=metrics,
            upkeep=DaemonUpkeep(
                settings,
                Parts(
                    database=database,
                    metrics=metrics,
                    progress=progress,
                    loop_watch=loop_watch,
                    health=health,
                    tasks=self._tasks.__len__,
                    ring=feeds.ring_changes,
                    reload=self._reload,
                ),
            ),
            pairing_key=pairing_key,
            hosts=server.host_names(listener),
            draining=asyncio.Event(),
            request_ids=RequestIds(self._clock.now_ms()),
        )
        http = server.Server(listener, context, self._tasks.start)
        await http.start()
        stack.push_async_callback(http.close)
        loop = asyncio.get_running_loop()
        health.take_reports_of(loop, relief=http.let_go_of_silent)
        stack.callback(loop.set_exception_handler, None)
        self.url = server.url_of(listener)
        place = str(settings.data_dir)
        notice.publish(Endpoint(self.url, os.getpid(), version=__version__, epoch=engine.epoch, data_dir=place))
        stack.callback(notice.withdraw)
        await self._workspaces.start_all()
        manager.ready(f"Serving {self.url}")
        stack.callback(manager.stopping)

    async def _begin_health(self, loop_watch: LoopWatch, notice: Notice) -> Health:
        """Look from now on at what is wrong."""
        newest_ms = await self._database.read(Changes(self._owner).newest_at_ms)
        health = Health(self._settings, self._database, loop_watch, notice, newest_ms=newest_ms)
        self._tasks.start(health.look_forever(), name="health")
        return health

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
