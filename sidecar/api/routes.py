"""The one table of routes. Each states who may call it; the application refuses to start with one that does not."""

from collections.abc import Callable
from functools import partial

from sidecar.api import (
    agents,
    audit,
    auth,
    changes,
    conversations,
    docs,
    events,
    files,
    lists,
    openapi,
    search,
    service,
    sessions,
    settings,
    snapshots,
    tenant,
    transfer,
    upkeep,
    users,
    workspaces,
)
from sidecar.api import answers as shown
from sidecar.api import open as open_
from sidecar.api.context import Policy
from sidecar.api.requests import IMPORT_PATH, LINES_TYPE, PageQuery
from sidecar.api.shapes import Route, Shape
from sidecar.models.agents import Agent
from sidecar.models.audit import Audit
from sidecar.models.auth_sessions import PublicAuthSession
from sidecar.models.base import JsonObject
from sidecar.models.conversations import Conversation
from sidecar.models.files import File
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.tenants import Tenant
from sidecar.models.users import PublicUser
from sidecar.models.workspace_sessions import SessionSummary, WorkspaceSession
from sidecar.services.differences import Differences
from sidecar.services.logins import Login
from sidecar.services.transfer import Imported

V5 = "/api/v5"
USER, WRITER, MANAGER, ADMIN = Policy.USER, Policy.WRITER, Policy.MANAGER, Policy.ADMIN
Made: Callable[..., Shape] = partial(Shape, statuses=(201,), tagged=True)
Tagged: Callable[..., Shape] = partial(Shape, tagged=True)
Changed: Callable[..., Shape] = partial(Shape, tagged=True, conditional=True)
Gone = Shape(statuses=(204,), conditional=True)

_SERVICE = (
    Route("GET", "/healthz", service.healthz, Policy.PUBLIC, Shape(answer=shown.Status)),
    Route("GET", "/readyz", service.readyz, Policy.PUBLIC, Shape(answer=shown.Status, statuses=(200, 503))),
    Route("GET", f"{V5}/version", service.version, Policy.PUBLIC, Shape(answer=shown.Version)),
    Route("GET", "/metrics", service.metrics, Policy.PUBLIC, Shape(answer="text/plain")),
    Route("GET", f"{V5}/status", service.status, Policy.PAIRING_KEY, Shape(answer=upkeep.StatusReport)),
    Route(
        "POST", f"{V5}/reload", service.reload, Policy.PAIRING_KEY, Shape(auth.EmptyBody, answer=upkeep.ReloadReport)
    ),
    Route(
        "POST",
        f"{V5}/backups",
        service.back_up,
        Policy.PAIRING_KEY,
        Shape(upkeep.BackupBody, answer=upkeep.BackupReport),
    ),
    Route("GET", f"{V5}/hello", service.hello, Policy.PUBLIC, Shape(query=service.HelloQuery, answer=shown.Hello)),
    Route("GET", f"{V5}/openapi.json", openapi.get, Policy.PUBLIC, Shape(answer=JsonObject)),
    Route("GET", f"{V5}/docs", docs.get, Policy.PUBLIC, Shape(answer="text/html")),
    Route("GET", "/open/{ticket}", open_.open_browser, Policy.CREDENTIALS, Shape(statuses=(303,))),
)
_AUTH = (
    Route("POST", f"{V5}/auth/pair", auth.pair, Policy.PAIRING_KEY, Shape(auth.PairBody, answer=Login)),
    Route(
        "POST",
        f"{V5}/auth/register",
        auth.register,
        Policy.PAIRING_KEY,
        Shape(auth.RegisterBody, answer=Login, statuses=(201,)),
    ),
    Route("POST", f"{V5}/auth/login", auth.login, Policy.CREDENTIALS, Shape(auth.LoginBody, answer=Login)),
    Route("POST", f"{V5}/auth/refresh", auth.refresh, Policy.EXCHANGE, Shape(auth.RefreshBody, answer=Login)),
    Route("POST", f"{V5}/auth/logout", auth.logout, USER, Shape(statuses=(204,), keyed=False)),
    Route(
        "POST",
        f"{V5}/auth/tickets",
        auth.issue_ticket,
        USER,
        Shape(answer=shown.Ticket, statuses=(201,), keyed=False),
    ),
    Route(
        "GET",
        f"{V5}/auth/sessions",
        auth.list_logins,
        USER,
        Shape(query=PageQuery, answer=list[PublicAuthSession]),
    ),
    Route(
        "DELETE",
        f"{V5}/auth/sessions/{{id}}",
        auth.end_login,
        USER,
        Shape(statuses=(204,), conditional=True, keyed=False),
    ),
    Route("POST", f"{V5}/auth/keys/rotate", auth.rotate_keys, ADMIN, Shape(answer=shown.Keys, keyed=False)),
)
_SESSIONS = (
    Route("POST", f"{V5}/sessions", sessions.add, WRITER, Made(sessions.SessionBody, answer=WorkspaceSession)),
    Route(
        "GET",
        f"{V5}/sessions",
        sessions.list_all,
        USER,
        Shape(query=sessions.SessionsQuery, answer=list[SessionSummary]),
    ),
    Route(
        "POST",
        f"{V5}/sessions/resume",
        sessions.resume,
        WRITER,
        Tagged(sessions.ResumeBody, answer=WorkspaceSession, statuses=(200, 201)),
    ),
    Route("GET", f"{V5}/sessions/{{id}}", sessions.get, USER, Tagged(answer=WorkspaceSession)),
    Route("PUT", f"{V5}/sessions/{{id}}", sessions.put, WRITER, Changed(sessions.SessionBody, answer=WorkspaceSession)),
    Route(
        "PATCH",
        f"{V5}/sessions/{{id}}",
        sessions.patch,
        WRITER,
        Changed(sessions.SessionBody, answer=WorkspaceSession, patch=True),
    ),
    Route("DELETE", f"{V5}/sessions/{{id}}", sessions.remove, WRITER, Gone),
    Route(
        "POST", f"{V5}/sessions/{{id}}/fork", sessions.fork, WRITER, Made(sessions.ForkBody, answer=WorkspaceSession)
    ),
    Route(
        "GET",
        f"{V5}/sessions/{{id}}/related",
        sessions.list_related,
        USER,
        Shape(query=sessions.RelatedQuery, answer=list[SessionSummary]),
    ),
    Route(
        "GET",
        f"{V5}/sessions/{{id}}/children",
        sessions.list_children,
        USER,
        Shape(query=PageQuery, answer=list[SessionSummary]),
    ),
    *(
        Route("POST", f"{V5}/sessions/{{id}}/{name}/{verb}", handler, WRITER, Changed(body, answer=WorkspaceSession))
        for verb, change in (("add", lists.added), ("remove", lists.removed))
        for name, handler, body in (
            ("tags", lists.session_tags(change), lists.TagsBody),
            ("facts", lists.session_notes("facts", change), lists.NotesBody),
            ("decisions", lists.session_notes("decisions", change), lists.NotesBody),
        )
    ),
    Route(
        "GET",
        f"{V5}/sessions/{{id}}/snapshots",
        snapshots.list_all,
        USER,
        Shape(query=PageQuery, answer=list[shown.ShownSnapshot]),
    ),
    Route(
        "POST",
        f"{V5}/sessions/{{id}}/snapshots",
        snapshots.take,
        WRITER,
        Made(snapshots.SnapshotBody, answer=shown.ShownSnapshot),
    ),
    Route(
        "GET",
        f"{V5}/sessions/{{id}}/snapshots/diff",
        snapshots.compare,
        USER,
        Shape(query=snapshots.DifferenceQuery, answer=Differences),
    ),
    Route(
        "POST",
        f"{V5}/sessions/{{id}}/restore",
        snapshots.restore,
        WRITER,
        Changed(snapshots.RestoreBody, answer=WorkspaceSession),
    ),
)
_CONVERSATIONS = (
    Route(
        "POST",
        f"{V5}/conversations",
        conversations.add,
        WRITER,
        Made(conversations.ConversationBody, answer=Conversation),
    ),
    Route(
        "GET",
        f"{V5}/conversations",
        conversations.list_all,
        USER,
        Shape(query=conversations.ConversationsQuery, answer=list[Conversation]),
    ),
    Route(
        "GET",
        f"{V5}/conversations/{{id}}",
        conversations.get,
        USER,
        Tagged(query=conversations.MessagesQuery, answer=shown.WholeConversation),
    ),
    Route(
        "PATCH",
        f"{V5}/conversations/{{id}}",
        conversations.patch,
        WRITER,
        Changed(conversations.ConversationPatch, answer=Conversation, patch=True),
    ),
    Route("DELETE", f"{V5}/conversations/{{id}}", conversations.remove, WRITER, Gone),
    Route(
        "POST",
        f"{V5}/conversations/{{id}}/messages",
        conversations.add_message,
        WRITER,
        Made(conversations.MessageBody, answer=Message),
    ),
    Route(
        "GET",
        f"{V5}/conversations/{{id}}/messages",
        conversations.list_messages,
        USER,
        Shape(query=conversations.MessagesQuery, answer=list[Message]),
    ),
    *(
        Route(
            "POST",
            f"{V5}/conversations/{{id}}/tags/{verb}",
            lists.conversation_tags(change),
            WRITER,
            Changed(lists.TagsBody, answer=Conversation),
        )
        for verb, change in (("add", lists.added), ("remove", lists.removed))
    ),
)
_PEOPLE = (
    Route("GET", f"{V5}/users/me", users.get_me, USER, Tagged(answer=PublicUser)),
    Route("PUT", f"{V5}/users/me", users.put_me, USER, Changed(users.MeBody, answer=PublicUser)),
    Route("PUT", f"{V5}/users/me/password", users.put_password, USER, Shape(users.PasswordBody, answer=Login)),
    Route("GET", f"{V5}/users", users.list_all, ADMIN, Shape(query=PageQuery, answer=list[PublicUser])),
    Route("POST", f"{V5}/users", users.add, ADMIN, Made(users.NewUserBody, answer=PublicUser)),
    Route("PATCH", f"{V5}/users/{{id}}", users.patch, ADMIN, Changed(users.UserPatch, answer=PublicUser, patch=True)),
    Route("DELETE", f"{V5}/users/{{id}}", users.remove, ADMIN, Gone),
    Route("GET", f"{V5}/tenant", tenant.get, USER, Tagged(answer=Tenant)),
    Route("PATCH", f"{V5}/tenant", tenant.patch, ADMIN, Changed(tenant.TenantBody, answer=Tenant, patch=True)),
    Route("GET", f"{V5}/audit", audit.list_all, MANAGER, Shape(query=audit.AuditQuery, answer=list[Audit])),
    Route("GET", f"{V5}/settings", settings.list_all, USER, Shape(query=PageQuery, answer=list[Setting])),
    Route("GET", f"{V5}/settings/{{category}}/{{key}}", settings.get, USER, Tagged(answer=Setting)),
    Route(
        "PUT",
        f"{V5}/settings/{{category}}/{{key}}",
        settings.put,
        WRITER,
        Changed(settings.SettingBody, answer=Setting, statuses=(200, 201)),
    ),
    Route("DELETE", f"{V5}/settings/{{category}}/{{key}}", settings.remove, WRITER, Gone),
    Route("POST", f"{V5}/agents", agents.add, MANAGER, Made(agents.AgentBody, answer=Agent)),
    Route("GET", f"{V5}/agents", agents.list_all, USER, Shape(query=agents.AgentsQuery, answer=list[Agent])),
    Route("GET", f"{V5}/agents/{{id}}", agents.get, USER, Tagged(answer=Agent)),
    Route("PUT", f"{V5}/agents/{{id}}", agents.put, MANAGER, Changed(agents.AgentBody, answer=Agent)),
    Route("PATCH", f"{V5}/agents/{{id}}", agents.patch, MANAGER, Changed(agents.AgentBody, answer=Agent, patch=True)),
    Route("DELETE", f"{V5}/agents/{{id}}", agents.remove, MANAGER, Gone),
)
_FILES = (
    Route(
        "POST",
        f"{V5}/workspaces",
        workspaces.add,
        WRITER,
        Tagged(workspaces.WorkspaceBody, answer=shown.WatchedWorkspace, statuses=(200, 201), keyed=False),
    ),
    Route(
        "GET",
        f"{V5}/workspaces",
        workspaces.list_all,
        USER,
        Shape(query=PageQuery, answer=list[shown.WatchedWorkspace]),
    ),
    Route("GET", f"{V5}/workspaces/{{id}}", workspaces.get, USER, Tagged(answer=shown.WatchedWorkspace)),
    Route(
        "POST",
        f"{V5}/workspaces/{{id}}/rescan",
        workspaces.rescan,
        WRITER,
        Tagged(answer=shown.WatchedWorkspace, statuses=(202,), keyed=False),
    ),
    Route("DELETE", f"{V5}/workspaces/{{id}}", workspaces.remove, WRITER, Gone),
    Route("GET", f"{V5}/files", files.list_all, USER, Shape(query=files.FilesQuery, answer=list[File])),
    Route("GET", f"{V5}/files/by-path", files.get_by_path, USER, Tagged(query=files.FileQuery, answer=File)),
    Route("GET", f"{V5}/files/{{id}}", files.get, USER, Tagged(answer=File)),
)
_FEED = (
    Route("GET", f"{V5}/export", transfer.export, USER, Shape(query=transfer.TransferQuery, answer=LINES_TYPE)),
    Route(
        "POST",
        IMPORT_PATH,
        transfer.take,
        WRITER,
        Shape(query=transfer.TransferQuery, answer=Imported, lines=True, keyed=False),
    ),
    Route("GET", f"{V5}/search", search.search, USER, Shape(query=search.SearchQuery, answer=list[search.Found])),
    Route(
        "GET", f"{V5}/changes", changes.list_since, USER, Shape(query=changes.ChangesQuery, answer=shown.ChangesAnswer)
    ),
    Route("GET", f"{V5}/events", events.events, Policy.SOCKET, Shape(statuses=(101,))),
)
ROUTES: tuple[Route, ...] = (*_SERVICE, *_AUTH, *_SESSIONS, *_CONVERSATIONS, *_PEOPLE, *_FILES, *_FEED)
