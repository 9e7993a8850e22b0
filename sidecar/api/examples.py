"""A curl line for every route: shown in the OpenAPI document and on the page of the API, and run by a test.

``$URL`` is the daemon's address, ``$TOKEN`` an access token, ``$KEY`` the text of ``pairing.key``; ``$SESSION`` and the
like are ids, as the answers to a POST give them.
"""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from sidecar.api.context import ROLES, Policy
from sidecar.api.shapes import Route

SESSION = {"name": "Fix the parser", "workspace_path": "/home/you/demo", "git_branch": "main", "tags": ["parser"]}
AGENT = {"name": "Reviewer", "agent_type": "specialist"}
CONVERSATION = {"ai_provider": "local", "title": "Why does the parser fail?", "workspace_session_id": "$SESSION"}
BODIES: Mapping[tuple[str, str], Any] = {
    ("POST", "/auth/pair"): {},
    ("POST", "/auth/register"): {"email": "you@example.com", "password": "correct horse battery"},
    ("POST", "/auth/login"): {"email": "you@example.com", "password": "correct horse battery"},
    ("POST", "/reload"): {},
    ("POST", "/backups"): {"path": "$FOLDER/sidecar.backup"},
    ("POST", "/auth/refresh"): {"refresh_token": "$REFRESH_TOKEN"},
    ("POST", "/sessions"): SESSION,
    ("PUT", "/sessions/{id}"): SESSION,
    ("PATCH", "/sessions/{id}"): {"git_branch": "fix-parser", "editor_state": {"groups": []}},
    ("POST", "/sessions/resume"): {"workspace_path": "/home/you/demo", "git_branch": "main"},
    ("POST", "/sessions/{id}/fork"): {"name": "Another way"},
    ("POST", "/sessions/{id}/tags/add"): {"items": ["urgent"]},
    ("POST", "/sessions/{id}/tags/remove"): {"items": ["urgent"]},
    ("POST", "/sessions/{id}/facts/add"): {"items": ["The parser is recursive."]},
    ("POST", "/sessions/{id}/facts/remove"): {"items": ["The parser is recursive."]},
    ("POST", "/sessions/{id}/decisions/add"): {"items": ["Rewrite it with a table."]},
    ("POST", "/sessions/{id}/decisions/remove"): {"items": ["Rewrite it with a table."]},
    ("POST", "/sessions/{id}/snapshots"): {"label": "before the rewrite"},
    ("POST", "/sessions/{id}/restore"): {"snapshot_id": "$SNAPSHOT"},
    ("POST", "/conversations"): CONVERSATION,
    ("PATCH", "/conversations/{id}"): {"status": "archived"},
    ("POST", "/conversations/{id}/messages"): {"role": "user", "content": "It fails at line 7."},
    ("POST", "/conversations/{id}/tags/add"): {"items": ["parser"]},
    ("POST", "/conversations/{id}/tags/remove"): {"items": ["parser"]},
    ("PUT", "/users/me"): {"first_name": "Ada", "last_name": "Lovelace"},
    ("PUT", "/users/me/password"): {"new_password": "correct horse battery"},
    ("POST", "/users"): {"email": "grace@example.com", "role": "developer"},
    ("PATCH", "/users/{id}"): {"role": "manager"},
    ("PATCH", "/tenant"): {"name": "Our team"},
    ("PUT", "/settings/{category}/{key}"): {"value": {"size": 14}},
    ("POST", "/agents"): AGENT,
    ("PUT", "/agents/{id}"): AGENT,
    ("PATCH", "/agents/{id}"): {"is_active": False},
    ("POST", "/workspaces"): {"path": "$FOLDER"},
}
QUERIES: Mapping[str, str] = {
    "/hello": "nonce=abc",
    "/sessions/{id}/snapshots/diff": "from_id=$SNAPSHOT",
    "/files/by-path": "workspace_path=$FOLDER&path=README.md",
    "/changes": "since=beginning",
    "/search": "q=parser",
}
_IDS = {
    "sessions": "$SESSION",
    "conversations": "$CONVERSATION",
    "users": "$USER_ID",
    "agents": "$AGENT",
    "workspaces": "$WORKSPACE",
    "files": "$FILE",
    "auth": "$LOGIN",
}


def curl_of(route: Route) -> str:
    """Return the line that calls a route."""
    path = route.path.removeprefix("/api/v5")
    words = ["curl", "--silent", "--show-error"]
    if route.method != "GET":
        words += ["--request", route.method]
    words += [f"--header {_quoted(each)}" for each in _headers(route, path)]
    if (route.method, path) in BODIES:
        words.append(f"--data {_quoted(json.dumps(BODIES[route.method, path]))}")
    if route.shape.lines:
        words.append("--data-binary @sidecar.jsonl")
    query = f"?{QUERIES[path]}" if route.method == "GET" and path in QUERIES else ""
    return " ".join([*words, f'"$URL{filled(route.path)}{query}"'])


def _headers(route: Route, path: str) -> list[str]:
    found = []
    if route.policy is Policy.PAIRING_KEY:
        found.append("Authorization: Bearer $KEY")
    elif route.policy in ROLES:
        found.append("Authorization: Bearer $TOKEN")
    if route.policy is Policy.SOCKET:
        found += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        found.append("Sec-WebSocket-Key: c2lkZWNhci1pcy1oZXJlIQ==")
    if (route.method, path) in BODIES:
        found.append(f"Content-Type: application/{'merge-patch+json' if route.shape.patch else 'json'}")
    if route.shape.lines:
        found.append("Content-Type: application/x-ndjson")
    return found


def filled(path: str) -> str:
    """Return a route's path with the names of ids in it."""
    noun = path.removeprefix("/api/v5/").split("/")[0]
    names = {"id": _IDS.get(noun, "$ID"), "category": "editor", "key": "font", "ticket": "$TICKET"}
    return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path)


def _quoted(text: str) -> str:
    """Return a word for a POSIX shell in which ``$NAME`` is still filled in."""
    if "$" not in text:
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return f'"{escaped}"'
