"""The whole keyspace: every key is spelled here and nowhere else.

Keys are FoundationDB tuples below one root; ids are UUID elements, paths are the exact bytes of the operating system.
``KEYS`` is the table of all of them, compared with the repositories' declarations by a test.
"""

import hashlib
import re
import uuid
from functools import lru_cache
from typing import NamedTuple

from sidecar import ids, limits
from sidecar.errors import InvalidError
from sidecar.store.tuples import Items, Subspace, strinc

ROOT = ("sidecar",)
_ID = re.compile(ids.ID_PATTERN)
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
WORKSPACE_SESSIONS = "workspace_sessions"
WORKSPACE_SESSIONS_BY_USER = "workspace_sessions_by_user"
SESSIONS_BY_WORKSPACE = "sessions_by_workspace"
RECENT_SESSIONS = "recent_sessions"
SESSION_CHILDREN = "session_children"
SESSIONS_BY_CONVERSATION = "sessions_by_conversation"
SESSIONS_BY_TAG = "sessions_by_tag"
SNAPSHOTS = "snapshots"
SNAPSHOTS_BY_SESSION = "snapshots_by_session"
CONVERSATIONS = "conversations"
CONVERSATIONS_BY_USER = "conversations_by_user"
CONVERSATIONS_BY_SESSION = "conversations_by_session"
MESSAGES = "messages"
MESSAGES_BY_CONVERSATION = "messages_by_conversation"
MESSAGE_COUNTS = "message_counts"
TOKEN_COUNTS = "token_counts"  # noqa: S105 - a key's name, no secret
AUDIT = "audit"
AUDIT_BY_USER = "audit_by_user"
AUDIT_BY_EVENT = "audit_by_event"
AUDIT_BY_DATE = "audit_by_date"
FILES = "files"
FILES_BY_SESSION = "files_by_session"
FILES_BY_PATH = "files_by_path"
FILES_BY_DELETION = "files_by_deletion"
AGENTS = "agents"
AGENTS_BY_TYPE = "agents_by_type"
SETTINGS = "settings"
SETTINGS_BY_USER = "settings_by_user"
SETTINGS_BY_CATEGORY = "settings_by_category"
WORKSPACES = "workspaces"
WORKSPACES_BY_PATH = "workspaces_by_path"
RECORD_COUNTS = "record_counts"
BLOBS = "blobs"
BLOB_CHUNKS = "blob_chunks"
BLOB_REFERENCES = "blob_references"
BLOB_BYTES = "blob_bytes"
CHANGES = "changes"
CHANGES_HEAD = "changes_head"
CHANGES_FLOOR = "changes_floor"
CHANGES_COUNT = "changes_count"
IDEMPOTENCY = "idempotency"
IDEMPOTENCY_BY_TIME = "idempotency_by_time"
INDEXES = "indexes"
DELETIONS = "deletions"
SCHEMA = "schema"
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
    KeyRow(USERS, "/{tenant}/users/{id}", "a User record", "users"),
    KeyRow(USERS_BY_EMAIL, "/{tenant}/users_by_email/{email}", "the user's id; unique", "users"),
    KeyRow(
        ACCOUNTS_BY_EMAIL, "/accounts_by_email/{email}/{tenant}", "the user's id: where an e-mail can log in", "users"
    ),
    KeyRow(AUTH_SESSIONS, "/{tenant}/auth_sessions/{id}", "an AuthSession record", "auth_sessions"),
    KeyRow(
        AUTH_SESSIONS_BY_USER, "/{tenant}/auth_sessions_by_user/{user}/{id}", "whether it is revoked", "auth_sessions"
    ),
    KeyRow(
        AUTH_SESSIONS_BY_FAMILY,
        "/{tenant}/auth_sessions_by_family/{family}/{id}",
        "whether it is revoked",
        "auth_sessions",
    ),
    KeyRow(AUTH_SESSIONS_BY_EXPIRY, "/{tenant}/auth_sessions_by_expiry/{ms}/{id}", "nothing", "auth_sessions"),
    KeyRow(
        WORKSPACE_SESSIONS,
        "/{tenant}/workspace_sessions/{id}",
        "a session without its state, and the names of its parts",
        "workspace_sessions",
    ),
    KeyRow(
        WORKSPACE_SESSIONS_BY_USER, "/{tenant}/workspace_sessions_by_user/{user}/{id}", "nothing", "workspace_sessions"
    ),
    KeyRow(
        SESSIONS_BY_WORKSPACE,
        "/{tenant}/sessions_by_workspace/{path}/{active ms}/{id}",
        "nothing",
        "workspace_sessions",
    ),
    KeyRow(
        RECENT_SESSIONS,
        "/{tenant}/recent_sessions/{user}/{active ms}/{id}",
        "nothing; read backwards",
        "workspace_sessions",
    ),
    KeyRow(SESSION_CHILDREN, "/{tenant}/session_children/{parent}/{id}", "nothing", "workspace_sessions"),
    KeyRow(
        SESSIONS_BY_CONVERSATION,
        "/{tenant}/sessions_by_conversation/{conversation}/{id}",
        "nothing",
        "workspace_sessions",
    ),
    KeyRow(SESSIONS_BY_TAG, "/{tenant}/sessions_by_tag/{user}/{tag}/{id}", "nothing", "workspace_sessions"),
    KeyRow(SNAPSHOTS, "/{tenant}/snapshots/{id}", "a Snapshot record", "snapshots"),
    KeyRow(
        SNAPSHOTS_BY_SESSION,
        "/{tenant}/snapshots_by_session/{session}/{ms}/{id}",
        "whether it is labelled",
        "snapshots",
    ),
    KeyRow(CONVERSATIONS, "/{tenant}/conversations/{id}", "a Conversation record", "conversations"),
    KeyRow(CONVERSATIONS_BY_USER, "/{tenant}/conversations_by_user/{user}/{id}", "nothing", "conversations"),
    KeyRow(CONVERSATIONS_BY_SESSION, "/{tenant}/conversations_by_session/{session}/{id}", "nothing", "conversations"),
    KeyRow(MESSAGES, "/{tenant}/messages/{id}", "a Message record", "messages"),
    KeyRow(MESSAGES_BY_CONVERSATION, "/{tenant}/messages_by_conversation/{conversation}/{id}", "nothing", "messages"),
    KeyRow(MESSAGE_COUNTS, "/{tenant}/message_counts/{conversation}", "how many messages; atomic ADD", "messages"),
    KeyRow(TOKEN_COUNTS, "/{tenant}/token_counts/{conversation}", "their tokens; atomic ADD", "messages"),
    KeyRow(AUDIT, "/{tenant}/audit/{id}", "an Audit record", "audit"),
    KeyRow(AUDIT_BY_USER, "/{tenant}/audit_by_user/{user}/{ms}/{id}", "nothing", "audit"),
    KeyRow(AUDIT_BY_EVENT, "/{tenant}/audit_by_event/{event_type}/{ms}/{id}", "nothing", "audit"),
    KeyRow(AUDIT_BY_DATE, "/{tenant}/audit_by_date/{YYYY-MM-DD}/{ms}/{id}", "nothing", "audit"),
    KeyRow(FILES, "/{tenant}/files/{id}", "a File record", "files"),
    KeyRow(FILES_BY_SESSION, "/{tenant}/files_by_session/{session}/{id}", "nothing", "files"),
    KeyRow(
        FILES_BY_PATH,
        "/{tenant}/files_by_path/{workspace_path}/{file_path}",
        "id, size, mtime_ns, ctime_ns, inode, kind, deleted, checksum; unique",
        "files",
    ),
    KeyRow(FILES_BY_DELETION, "/{tenant}/files_by_deletion/{ms}/{id}", "nothing; only deleted files", "files"),
    KeyRow(AGENTS, "/{tenant}/agents/{id}", "an Agent record", "agents"),
    KeyRow(AGENTS_BY_TYPE, "/{tenant}/agents_by_type/{agent_type}/{id}", "nothing", "agents"),
    KeyRow(SETTINGS, "/{tenant}/settings/{user}/{category}/{key}", "a Setting record", "settings"),
    KeyRow(SETTINGS_BY_USER, "/{tenant}/settings_by_user/{user}/{user}/{category}/{key}", "nothing", "settings"),
    KeyRow(
        SETTINGS_BY_CATEGORY, "/{tenant}/settings_by_category/{category}/{user}/{category}/{key}", "nothing", "settings"
    ),
    KeyRow(WORKSPACES, "/{tenant}/workspaces/{id}", "a Workspace record", "workspaces"),
    KeyRow(WORKSPACES_BY_PATH, "/{tenant}/workspaces_by_path/{path}", "the workspace's id; unique", "workspaces"),
    KeyRow(
        RECORD_COUNTS,
        "/{tenant}/record_counts/{kind}",
        "how many records of a kind that a plan limits; atomic ADD",
        "base",
    ),
    KeyRow(
        BLOBS,
        "/{tenant}/blobs/{sha256}",
        "state, time and size of a large value, and the value itself when one row holds it",
        "blobs",
    ),
    KeyRow(BLOB_CHUNKS, "/{tenant}/blob_chunks/{sha256}/{n}", "a slice of a larger one", "blobs"),
    KeyRow(
        BLOB_REFERENCES,
        "/{tenant}/blob_references/{sha256}/{kind}/{record's key}",
        "nothing: that record, or kept answer, names this blob",
        "blobs",
    ),
    KeyRow(BLOB_BYTES, "/{tenant}/blob_bytes", "bytes of all blobs; atomic ADD", "blobs"),
    KeyRow(CHANGES, "/{tenant}/changes/{versionstamp}", "what one transaction changed", "transactions"),
    KeyRow(CHANGES_HEAD, "/{tenant}/changes_head", "versionstamp of the newest change; watched", "transactions"),
    KeyRow(CHANGES_FLOOR, "/{tenant}/changes_floor", "versionstamp below which changes are trimmed", "changes"),
    KeyRow(CHANGES_COUNT, "/{tenant}/changes_count", "how many changes the log tells of; atomic ADD", "transactions"),
    KeyRow(
        IDEMPOTENCY,
        "/{tenant}/idempotency/{user}/{sha256 of the key}/{n}",
        "the answer to a request with an Idempotency-Key, or the row of the record that it was; in slices",
        "idempotency",
    ),
    KeyRow(
        IDEMPOTENCY_BY_TIME,
        "/{tenant}/idempotency_by_time/{ms}/{user}/{sha256}",
        "the names of the blobs that the answer names",
        "idempotency",
    ),
    KeyRow(
        INDEXES,
        "/{tenant}/indexes/{index}",
        "how far an index that was added later is built",
        "migrations",
    ),
    KeyRow(
        DELETIONS,
        "/deletions/{tenant}/{kind}/{id}",
        "nothing: this deletion is under way and is finished after a crash",
        "deletions",
    ),
    KeyRow(SCHEMA, "/schema", "the version of this table that the store keeps", "migrations"),
    KeyRow(MACHINE, "/machine", "the ids of this machine's own tenant and owner", "machine"),
)


class TenantKeys(NamedTuple):
    """The keys of one tenant: nothing made from it can name another tenant's key."""

    tenant_id: str
    tenant: Subspace
    shared: Subspace

    def space(self, name: str) -> Subspace:
        """Return the subspace of one of the tenant's record kinds or indexes."""
        return named_space(self.tenant, name)


class Keyspace:
    """All keys below one root.

    Args:
        root: The tuple below which everything lies; tests give their own.
    """

    def __init__(self, root: Items = ROOT) -> None:
        self.root = Subspace(root)

    def tenant(self, tenant_id: str) -> TenantKeys:
        """Return the keys of one tenant."""
        return _tenant_keys(self.root, tenant_id)

    def tenants_range(self) -> tuple[bytes, bytes]:
        """Return begin (included) and end (excluded) of the keys of all tenants, without what they share."""
        first, last = uuid.UUID(int=0), uuid.UUID(int=(1 << 128) - 1)
        return self.root.pack((first,)), strinc(self.root.pack((last,)))


@lru_cache(maxsize=limits.key_spaces_cached_max)
def named_space(space: Subspace, name: str) -> Subspace:
    """Return the part of a subspace below a name; kept, because every request asks for the same ones."""
    return space[name]


@lru_cache(maxsize=limits.key_tenants_cached_max)
def _tenant_keys(root: Subspace, tenant_id: str) -> TenantKeys:
    return TenantKeys(tenant_id, root[id_element(tenant_id)], root)


@lru_cache(maxsize=limits.key_ids_cached_max)
def id_element(identifier: str) -> uuid.UUID:
    """Return an identifier as the tuple element that keys hold.

    Only the form that ids are made in is one: they are compared as text too, and one of another spelling would lead to
    the same record and be another id.

    Raises:
        InvalidError: It is no UUID in lower case with dashes.
    """
    if _ID.fullmatch(identifier) is None:
        raise InvalidError(f"{identifier[:64]!r} is no id; ids are UUIDs in lower case with dashes.")
    return uuid.UUID(identifier)


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
