"""All repositories, for what works on every kind: ``doctor``, ``migrations``, a tenant's removal, and the tests."""

from typing import Any

from sidecar.repositories.agents import Agents
from sidecar.repositories.audit import Audits
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.base import Repository
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.files import Files
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.repositories.workspaces import Workspaces

REPOSITORIES: tuple[type[Repository[Any]], ...] = (
    Tenants,
    Users,
    AuthSessions,
    Workspaces,
    Files,
    WorkspaceSessions,
    Snapshots,
    Conversations,
    Messages,
    Audits,
    Agents,
    Settings,
)
