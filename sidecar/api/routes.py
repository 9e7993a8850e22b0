"""The one table of routes. Each states who may call it; the application refuses to start with one that does not."""

from typing import NamedTuple

from sidecar.api import auth, changes, events, files, service, workspaces
from sidecar.api.context import Handler, Policy


class Route(NamedTuple):
    """One row of the table."""

    method: str
    path: str
    handler: Handler
    policy: Policy


ROUTES = (
    Route("GET", "/healthz", service.healthz, Policy.PUBLIC),
    Route("GET", "/readyz", service.readyz, Policy.PUBLIC),
    Route("GET", "/api/v5/version", service.version, Policy.PUBLIC),
    Route("GET", "/api/v5/hello", service.hello, Policy.PUBLIC),
    Route("POST", "/api/v5/auth/pair", auth.pair, Policy.PAIRING_KEY),
    Route("POST", "/api/v5/workspaces", workspaces.add, Policy.USER),
    Route("GET", "/api/v5/workspaces", workspaces.list_all, Policy.USER),
    Route("GET", "/api/v5/workspaces/{id}", workspaces.get, Policy.USER),
    Route("POST", "/api/v5/workspaces/{id}/rescan", workspaces.rescan, Policy.USER),
    Route("DELETE", "/api/v5/workspaces/{id}", workspaces.remove, Policy.USER),
    Route("GET", "/api/v5/files", files.list_all, Policy.USER),
    Route("GET", "/api/v5/files/by-path", files.get_by_path, Policy.USER),
    Route("GET", "/api/v5/files/{id}", files.get, Policy.USER),
    Route("GET", "/api/v5/changes", changes.list_since, Policy.USER),
    Route("GET", "/api/v5/events", events.events, Policy.SOCKET),
)
