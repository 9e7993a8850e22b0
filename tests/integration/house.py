"""A whole daemon with people in it: tenants, users of every role, their tokens and records, and a plain HTTP client."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from sidecar import config
from sidecar.daemon.wiring import Daemon
from sidecar.ids import new_id
from sidecar.models.agents import Agent
from sidecar.models.conversations import Conversation
from sidecar.models.files import FileEntry
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.snapshots import Snapshot
from sidecar.models.tenants import Tenant
from sidecar.models.users import Role, User
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.models.workspaces import Workspace
from sidecar.repositories.agents import Agents
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.files import Files
from sidecar.repositories.messages import Messages
from sidecar.repositories.settings import Settings
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Writing
from sidecar.repositories.users import Users
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.repositories.workspaces import Workspaces
from sidecar.services.audit import Device
from sidecar.services.logins import Login
from sidecar.store.tuples import unpack
from tests.clocks import ShiftedClock

PASSWORD = "correct horse battery staple"  # noqa: S105 - of accounts that live for one test


class Answer(NamedTuple):
    """What came back."""

    status: int
    content: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        return str(self.content["code"])


class House:
    """A running daemon and its people."""

    def __init__(self, daemon: Daemon, http: aiohttp.ClientSession, key: str, clock: ShiftedClock) -> None:
        self.daemon = daemon
        self.context = daemon.context
        self.http = http
        self.key = key
        self.clock = clock
        self.host = daemon.url.removeprefix("http://")

    async def call(
        self, method: str, path: str, token: str = "", headers: dict[str, str] | None = None, **more: Any
    ) -> Answer:
        sent = ({"Authorization": f"Bearer {token}"} if token else {}) | (headers or {})
        async with self.http.request(
            method, self.daemon.url + path, headers=sent, allow_redirects=False, **more
        ) as answer:
            text = await answer.text()
            is_json = answer.content_type in ("application/json", "application/problem+json")
            return Answer(answer.status, json.loads(text) if text and is_json else text or None, answer.headers)

    async def head_only(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """Send the head of a request whose body never comes."""
        host, port = self.host.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        raw = await reader.readuntil(b"\r\n\r\n")
        names = dict(line.split(": ", 1) for line in raw.decode().split("\r\n")[1:] if line)
        body = await reader.readexactly(int(names["Content-Length"]))
        writer.close()
        return Answer(int(raw.split()[1]), json.loads(body), names)

    async def pair(self) -> dict[str, Any]:
        answer = await self.call("POST", "/api/v5/auth/pair", self.key, json={})
        assert answer.status == 200, answer
        return dict(answer.content)

    async def register(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        sent = {"email": email, "password": password}
        answer = await self.call("POST", "/api/v5/auth/register", self.key, json=sent)
        assert answer.status == 201, answer
        return dict(answer.content)

    async def login(self, email: str, password: str = PASSWORD) -> Answer:
        return await self.call("POST", "/api/v5/auth/login", json={"email": email, "password": password})

    async def tenant(self, name: str) -> Tenant:
        """Make an organization, without the cost of a password."""

        def body(tr: Writing) -> Tenant:
            owner = new_id(tr.now_ms)
            tenant = Tenant.new_organization(name=name, owner_user_id=owner, now_ms=tr.now_ms)
            user = User.new(tenant_id=tenant.id, email=f"owner@{name}", role="admin", now_ms=tr.now_ms, user_id=owner)
            Users(self.context.database.keyspace.tenant(tenant.id)).create_with_tenant(tr, user, tenant)
            return tenant

        return await self.context.database.transact(body)

    async def person(self, tenant: Tenant, role: Role, name: str | None = None) -> Login:
        """Make a user of a tenant, and log them in, without the cost of a password."""
        email = f"{name or role}@{tenant.name}"

        def body(tr: Writing) -> Any:
            keys = self.context.database.keyspace.tenant(tenant.id)
            user = Users(keys).find_by_email(tr, email) or Users(keys).create(
                tr, User.new(tenant_id=tenant.id, email=email, role=role, now_ms=tr.now_ms)
            )
            return self.context.logins.open(tr, user, Tenants(keys).get(tr, tenant.id), Device("127.0.0.1", "test"))

        return self.context.logins.answer(await self.context.database.transact(body))

    async def belongings(self, login: Login) -> dict[str, str]:
        """Store one record of every kind for a user; return their ids by the kinds' names."""
        tenant_id, user_id = login.tenant.id, login.user.id

        def body(tr: Writing) -> dict[str, str]:
            keys, now = self.context.database.keyspace.tenant(tenant_id), tr.now_ms
            owned: dict[str, Any] = {"tenant_id": tenant_id, "now_ms": now}
            path = f"/belongings/{user_id}"
            entry = FileEntry(
                path=b"secret-plan.txt",
                id="",
                size=1,
                mtime_ns=1,
                inode=1,
                checksum=bytes(32),
                kind="file",
                is_deleted=False,
            )
            Files(keys).put_entries(tr, path, [entry], [])
            file = Files(keys).find_by_path(tr, path, b"secret-plan.txt")
            assert file is not None
            conversation = Conversation.new(**owned, user_id=user_id, ai_provider="x", title="secret talk")
            message = Message.new(**owned, conversation_id=conversation.id, role="user", content="secret words")
            session = WorkspaceSession.new(
                **owned, user_id=user_id, name="secret work", workspace_path=path, conversation_id=conversation.id
            )
            stored = WorkspaceSessions(keys).create(tr, session)
            snapshot = Snapshot.new(stored, reason="manual", now_ms=now)
            setting = Setting.new(**owned, user_id=user_id, category="theme", key="secret-key", value=1)
            return {
                "files": file.id,
                "workspaces": Workspaces(keys).create(tr, Workspace.new(**owned, path=path)).id,
                "conversations": Conversations(keys).create(tr, conversation).id,
                "messages": Messages(keys).create(tr, message).id,
                "sessions": session.id,
                "snapshots": Snapshots(keys).create(tr, snapshot).id,
                "agents": Agents(keys).create(tr, Agent.new(**owned, name="secret agent", agent_type="specialist")).id,
                "settings": Settings(keys).create(tr, setting).id,
                "users": user_id,
                "tenants": tenant_id,
            }

        ids = await self.context.database.transact(body)
        logins = await self.call("GET", "/api/v5/auth/sessions", login.access_token)
        return ids | {"auth_sessions": logins.content["items"][0]["id"]}

    async def dump(self, *, without: tuple[str, ...] = ("audit",)) -> dict[Any, bytes]:
        """Return every row of the store but those of some kinds: by default of the trail, which tells of refusals."""
        rows = await self.context.database.engine.read(lambda kv: kv.get_range(b"", b"\xff"))
        named = {unpack(key): value for key, value in rows}
        return {
            key: value for key, value in named.items() if not str(key[2:3]).startswith(tuple(f"('{w}" for w in without))
        }

    async def events(self, token: str, **filters: str) -> list[dict[str, Any]]:
        """Return the audit trail as an admin reads it, newest first."""
        answer = await self.call("GET", "/api/v5/audit", token, params=filters)
        assert answer.status == 200, answer
        return list(answer.content["items"])


@asynccontextmanager
async def running_house(folder: Path) -> AsyncIterator[House]:
    """Start a daemon in a folder."""
    clock = ShiftedClock()
    settings = config.load({"home": folder / "home", "port": 0})
    async with (
        Daemon(settings, clock=clock) as daemon,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60), cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        key = (settings.runtime_dir / "pairing.key").read_text().strip()
        yield House(daemon, http, key, clock)
