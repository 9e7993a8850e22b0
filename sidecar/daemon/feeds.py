"""The change feeds of the tenants, each begun when it is first asked for."""

from sidecar.daemon.lifecycle import Tasks
from sidecar.feed.hub import Hub
from sidecar.feed.log import ChangeLog
from sidecar.repositories.changes import Changes
from sidecar.repositories.transactions import Database


class Feeds:
    """Keeps one log and one running hub a tenant.

    Args:
        database: Where the logs lie.
        tasks: Run the hubs.
    """

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database = database
        self._tasks = tasks
        self._feeds: dict[str, tuple[ChangeLog, Hub]] = {}

    def ring_changes(self) -> int:
        """Return how many changes all hubs hold in memory."""
        return sum(hub.ring_changes for _, hub in self._feeds.values())

    def of(self, tenant_id: str) -> tuple[ChangeLog, Hub]:
        """Return the log and the hub of a tenant."""
        if tenant_id not in self._feeds:
            changes = ChangeLog(self._database, Changes(self._database.keyspace.tenant(tenant_id)))
            hub = Hub(self._database.engine, changes)
            self._tasks.start(hub.run(), name=f"feed of {tenant_id}")
            self._feeds[tenant_id] = changes, hub
        return self._feeds[tenant_id]
