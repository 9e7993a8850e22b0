"""The one table of routes. Each states who may call it; the application refuses to start with one that does not."""

from typing import NamedTuple

from sidecar.api import audit, auth, changes, events, files, service, tenant, users, workspaces
from sidecar.api import open as open_
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
    Route("GET", "/open/{ticket}", open_.open_browser, Policy.CREDENTIALS),
    Route("POST", "/api/v5/auth/pair", auth.pair, Policy.PAIRING_KEY),
    Route("POST", "/api/v5/auth/register", auth.register, Policy.PAIRING_KEY),
    Route("POST", "/api/v5/auth/login", auth.login, Policy.CREDENTIALS),
    Route("POST", "/api/v5/auth/refresh", auth.refresh, Policy.CREDENTIALS),
    Route("POST", "/api/v5/auth/logout", auth.logout, Policy.USER),
    Route("POST", "/api/v5/auth/tickets", auth.issue_ticket, Policy.USER),
    Route("GET", "/api/v5/auth/sessions", auth.list_logins, Policy.USER),
    Route("DELETE", "/api/v5/auth/sessions/{id}", auth.end_login, Policy.USER),
    Route("POST", "/api/v5/auth/keys/rotate", auth.rotate_keys, Policy.ADMIN),
    Route("GET", "/api/v5/users/me", users.get_me, Policy.USER),
    Route("PUT", "/api/v5/users/me", users.put_me, Policy.USER),
    Route("PUT", "/api/v5/users/me/password", users.put_password, Policy.USER),
    Route("GET", "/api/v5/users", users.list_all, Policy.ADMIN),
    Route("POST", "/api/v5/users", users.add, Policy.ADMIN),
    Route("PATCH", "/api/v5/users/{id}", users.patch, Policy.ADMIN),
    Route("DELETE", "/api/v5/users/{id}", users.remove, Policy.ADMIN),
    Route("GET", "/api/v5/tenant", tenant.get, Policy.USER),
    Route("PATCH", "/api/v5/tenant", tenant.patch, Policy.ADMIN),
    Route("GET", "/api/v5/audit", audit.list_all, Policy.MANAGER),
    Route("POST", "/api/v5/workspaces", workspaces.add, Policy.WRITER),
    Route("GET", "/api/v5/workspaces", workspaces.list_all, Policy.USER),
    Route("GET", "/api/v5/workspaces/{id}", workspaces.get, Policy.USER),
    Route("POST", "/api/v5/workspaces/{id}/rescan", workspaces.rescan, Policy.WRITER),
    Route("DELETE", "/api/v5/workspaces/{id}", workspaces.remove, Policy.WRITER),
    Route("GET", "/api/v5/files", files.list_all, Policy.USER),
    Route("GET", "/api/v5/files/by-path", files.get_by_path, Policy.USER),
    Route("GET", "/api/v5/files/{id}", files.get, Policy.USER),
    Route("GET", "/api/v5/changes", changes.list_since, Policy.USER),
    Route("GET", "/api/v5/events", events.events, Policy.SOCKET),
)
