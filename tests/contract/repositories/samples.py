"""One record of each kind, made by number: equal numbers make equal ids, also in two tenants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sidecar.models.agents import Agent
from sidecar.models.audit import Audit
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import Record, timestamp
from sidecar.models.conversations import Conversation
from sidecar.models.files import File, FileEntry
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.snapshots import Snapshot
from sidecar.models.tenants import Tenant
from sidecar.models.users import User
from sidecar.models.workspace_sessions import StoredSession
from sidecar.models.workspaces import Workspace
from sidecar.repositories.agents import Agents
from sidecar.repositories.audit import Audits
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.base import Repository
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.files import Files
from sidecar.repositories.keys import Keyspace
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Writing
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.repositories.workspaces import Workspaces

NOW_MS = 1_800_000_000_000
TENANT_ID = "01890000-0000-7000-8000-0000000000aa"
OTHER_TENANT_ID = "01890000-0000-7000-8000-0000000000bb"


def an_id(number: int) -> str:
    """Return the id of that number; larger numbers sort later."""
    return str(UUID(int=0x01890000_0000_7000_8000_000000000000 + number))


CANARY = "ca" * 32  # stands for every secret hash
OWNER = an_id(1_000_000)
ELSE = an_id(1_000_001)


@dataclass(frozen=True)
class Kind:
    """One repository and how to make its records.

    Attributes:
        make: Its record of a number, in a tenant.
        change: Fields that can be changed, to values that move index entries where the kind has such.
    """

    repository: type[Repository[Any]]
    make: Callable[[str, int], Record]
    change: Mapping[str, object]

    def __str__(self) -> str:
        return self.repository.__name__


def _user(tenant_id: str, number: int) -> User:
    return User.new(
        tenant_id=tenant_id,
        email=f"User{number}@Example.org",
        now_ms=NOW_MS,
        user_id=an_id(number),
        password_hash=CANARY,
    )


def _auth_session(tenant_id: str, number: int) -> AuthSession:
    made = AuthSession.new(tenant_id=tenant_id, user_id=OWNER, refresh_token_hash=CANARY, now_ms=NOW_MS)
    return made.model_copy(update={"id": an_id(number), "token_family": an_id(77)})


def _workspace(tenant_id: str, number: int) -> Workspace:
    made = Workspace.new(tenant_id=tenant_id, path=f"/w/{number}", now_ms=NOW_MS)
    return made.model_copy(update={"id": an_id(number)})


def _file(tenant_id: str, number: int) -> File:
    path = f"src/{number:06}.py".encode()
    entry = FileEntry(path, an_id(number), number, 5, 7, b"\x01" * 32, "file", is_deleted=False)
    made = File.new(tenant_id=tenant_id, workspace_path="/w", entry=entry, mime_type="text/x-python", now_ms=NOW_MS)
    return made.model_copy(update={"workspace_session_id": ELSE})


def _session(tenant_id: str, number: int) -> StoredSession:
    return StoredSession.made(
        tenant_id=tenant_id,
        now_ms=NOW_MS,
        id=an_id(number),
        user_id=OWNER,
        name=f"session {number}",
        workspace_path="/w",
        conversation_id=ELSE,
        tags=["a", "b"],
        last_active_at=timestamp(NOW_MS),
    )


def _snapshot(tenant_id: str, number: int) -> Snapshot:
    made = Snapshot.new(_session(tenant_id, 1), reason="manual", now_ms=NOW_MS)
    return made.model_copy(update={"id": an_id(number)})


def _conversation(tenant_id: str, number: int) -> Conversation:
    made = Conversation.new(
        tenant_id=tenant_id,
        user_id=OWNER,
        ai_provider="a provider",
        title=f"conversation {number}",
        now_ms=NOW_MS,
        workspace_session_id=ELSE,
    )
    return made.model_copy(update={"id": an_id(number)})


def _message(tenant_id: str, number: int) -> Message:
    made = Message.new(
        tenant_id=tenant_id,
        conversation_id=an_id(77),
        role="user",
        content=f"message {number}",
        now_ms=NOW_MS,
        token_count=3,
    )
    return made.model_copy(update={"id": an_id(number)})


def _audit(tenant_id: str, number: int) -> Audit:
    made = Audit.new(tenant_id=tenant_id, event_type="session.created", now_ms=NOW_MS, user_id=OWNER)
    return made.model_copy(update={"id": an_id(number)})


def _agent(tenant_id: str, number: int) -> Agent:
    made = Agent.new(tenant_id=tenant_id, name=f"agent {number}", agent_type="specialist", now_ms=NOW_MS)
    return made.model_copy(update={"id": an_id(number)})


def _setting(tenant_id: str, number: int) -> Setting:
    made = Setting.new(
        tenant_id=tenant_id, user_id=OWNER, category="editor", key=f"key/{number:06}", value=number, now_ms=NOW_MS
    )
    return made.model_copy(update={"id": an_id(number)})


def tenant_of(tenant_id: str) -> Tenant:
    """Return the record of a tenant."""
    made = Tenant.new_organization(name="a team", owner_user_id=OWNER, now_ms=NOW_MS)
    return made.model_copy(update={"id": tenant_id, "tenant_id": tenant_id})


def tenant_record(tr: Writing, keyspace: Keyspace, tenant_id: str) -> Tenant:
    """Store the record of a tenant."""
    return Tenants(keyspace.tenant(tenant_id)).create(tr, tenant_of(tenant_id))


KINDS = (
    Kind(Users, _user, {"email": "new@example.org", "first_name": "N"}),
    Kind(AuthSessions, _auth_session, {"revoked_at": timestamp(NOW_MS)}),
    Kind(Workspaces, _workspace, {"path": "/else"}),
    Kind(Files, _file, {"file_path": "moved.py", "workspace_session_id": None}),
    Kind(WorkspaceSessions, _session, {"tags": ["b", "c"], "parent_session_id": OWNER, "conversation_id": None}),
    Kind(Snapshots, _snapshot, {"label": "kept"}),
    Kind(Conversations, _conversation, {"title": "new", "workspace_session_id": None}),
    Kind(Messages, _message, {"token_count": 8}),
    Kind(Audits, _audit, {"event_type": "session.updated"}),
    Kind(Agents, _agent, {"agent_type": "coordinator"}),
    Kind(Settings, _setting, {"value": {"new": [1, None]}}),
)
