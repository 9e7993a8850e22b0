"""The whole keyspace: every key is spelled here and nowhere else.

Keys are FoundationDB tuples below one root; ids are UUID elements, paths are the exact bytes of the operating system.
``KEYS`` is the table of all of them, compared with the repositories' declarations by a test.
"""

import hashlib
import uuid
from typing import NamedTuple

from sidecar import limits
from sidecar.errors import InvalidError
from sidecar.store.tuples import Items, Subspace, strinc

ROOT = ("sidecar",)
_HASHED_TAIL_BYTES = 31  # with the 32 bytes of the hash, one more than the longest plain path

TENANT = "tenant"
TENANTS = "tenants"
USERS = "users"
USERS_BY_EMAIL = "users_by_email"
ACCOUNTS_BY_EMAIL = "accounts_by_email"
AUTH_SESSIONS = "auth_sessions"
AUTH_SESSIONS_BY_USER = "auth_sessions_by_user"
AUTH_SESSIONS_BY_FAMILY = "auth_sessions_by_family"
AUTH_SESSIONS_BY_EXPIRY = "auth_sessions_by_expiry"
FILES = "files"
FILES_BY_SESSION = "files_by_session"
FILES_BY_PATH = "files_by_path"
FILES_BY_DELETION = "files_by_deletion"
WORKSPACES = "workspaces"
WORKSPACES_BY_PATH = "workspaces_by_path"
CHANGES = "changes"
CHANGES_HEAD = "changes_head"
CHANGES_FLOOR = "changes_floor"
MACHINE = "machine"


class KeyRow(NamedTuple):
    """One row of the table of keys: its name, its pattern below the root, what it holds, and who writes it."""

    name: str
    pattern: str
    holds: str
    writer: str


KEYS = (
    KeyRow(TENANT, "/{tenant}/tenant", "the Tenant record", "tenants"),
    KeyRow(TENANTS, "/tenants/{tenant}", "the tenant's id: the list of all tenants", "tenants"),
    KeyRow(USERS, "/{tenant}/users/{user}", "a User record", "users"),
    KeyRow(USERS_BY_EMAIL, "/{tenant}/users_by_email/{email}", "the user's id; unique", "users"),
    KeyRow(
        ACCOUNTS_BY_EMAIL, "/accounts_by_email/{email}/{tenant}", "the user's id: where an e-mail can log in", "users"
    ),
    KeyRow(AUTH_SESSIONS, "/{tenant}/auth_sessions/{id}", "an AuthSession record", "auth_sessions"),
    KeyRow(AUTH_SESSIONS_BY_USER, "/{tenant}/auth_sessions_by_user/{user}/{id}", "nothing", "auth_sessions"),
    KeyRow(AUTH_SESSIONS_BY_FAMILY, "/{tenant}/auth_sessions_by_family/{family}/{id}", "nothing", "auth_sessions"),
    KeyRow(AUTH_SESSIONS_BY_EXPIRY, "/{tenant}/auth_sessions_by_expiry/{ms}/{id}", "nothing", "auth_sessions"),
    KeyRow(WORKSPACES, "/{tenant}/workspaces/{id}", "a Workspace record", "workspaces"),
    KeyRow(WORKSPACES_BY_PATH, "/{tenant}/workspaces_by_path/{path}", "the workspace's id; unique", "workspaces"),
    KeyRow(FILES, "/{tenant}/files/{id}", "a File record", "files"),
    KeyRow(FILES_BY_SESSION, "/{tenant}/files_by_session/{session}/{id}", "nothing", "files"),
    KeyRow(
        FILES_BY_PATH,
        "/{tenant}/files_by_path/{workspace_path}/{file_path}",
        "id, size, mtime_ns, inode, checksum, kind, deleted; unique",
        "files",
    ),
    KeyRow(FILES_BY_DELETION, "/{tenant}/files_by_deletion/{ms}/{id}", "nothing; only deleted files", "files"),
    KeyRow(CHANGES, "/{tenant}/changes/{versionstamp}", "what one transaction changed", "changes"),
    KeyRow(CHANGES_HEAD, "/{tenant}/changes_head", "versionstamp of the newest change; watched", "changes"),
    KeyRow(CHANGES_FLOOR, "/{tenant}/changes_floor", "versionstamp below which changes are trimmed", "changes"),
    KeyRow(MACHINE, "/machine", "the ids of this machine's own tenant and owner", "machine"),
)


class TenantKeys(NamedTuple):
    """The keys of one tenant: nothing made from it can name another tenant's key."""

    tenant_id: str
    tenant: Subspace
    shared: Subspace

    def space(self, name: str) -> Subspace:
        """Return the subspace of one of the tenant's record kinds or indexes."""
        return self.tenant[name]


class Keyspace:
    """All keys below one root.

    Args:
        root: The tuple below which everything lies; tests give their own.
    """

    def __init__(self, root: Items = ROOT) -> None:
        self.root = Subspace(root)

    def tenant(self, tenant_id: str) -> TenantKeys:
        """Return the keys of one tenant."""
        return TenantKeys(tenant_id, self.root[id_element(tenant_id)], self.root)


def id_element(identifier: str) -> uuid.UUID:
    """Return an identifier as the tuple element that keys hold.

    Raises:
        InvalidError: It is no UUID.
    """
    try:
        return uuid.UUID(identifier)
    except ValueError:
        raise InvalidError(f"{identifier[:64]!r} is no id; ids are UUIDs.") from None


def workspace_element(path: str) -> bytes:
    """Return a workspace's path as the tuple element that keys hold."""
    return _bounded(path.encode(), limits.key_workspace_path_bytes_max)


def path_order(path: bytes) -> bytes:
    """Return a file's relative path as the tuple element that keys hold, which is also its sort key.

    A path of up to ``limits.key_file_path_bytes_max`` bytes is itself. A longer one is its head and a SHA-256 of the
    whole: one byte longer than the longest plain one, so the two can not be confused.
    """
    return _bounded(path, limits.key_file_path_bytes_max)


def path_head(path: bytes) -> bytes:
    """Return the longest beginning of ``path`` that the keys of all paths below it share with it."""
    return path[: limits.key_file_path_bytes_max - _HASHED_TAIL_BYTES]


def paths_starting_with(space: Subspace, beginning: bytes) -> tuple[bytes, bytes]:
    """Return the range of the keys of ``space`` whose first element is a path that begins with ``beginning``.

    Of a beginning longer than what keys show, the range also holds paths that only share ``path_head(beginning)``.
    """
    if not beginning:
        return space.range()
    begin = space.pack((path_head(beginning),))[:-1]  # without the byte that ends the element
    return begin, strinc(begin)


def is_whole_path(element: bytes) -> bool:
    """Tell whether a path element is the path itself rather than a head and a hash."""
    return len(element) <= limits.key_file_path_bytes_max


def _bounded(path: bytes, bytes_max: int) -> bytes:
    if len(path) <= bytes_max:
        return path
    return path[: bytes_max - _HASHED_TAIL_BYTES] + hashlib.sha256(path).digest()
