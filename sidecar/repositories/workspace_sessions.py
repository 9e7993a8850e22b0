"""Workspace sessions: the record without its state, the parts of the state by hash, and the ways to find one."""

from collections import Counter as Tally
from collections.abc import Container, Mapping, Sequence
from itertools import cycle, islice
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic_core import from_json

from sidecar import limits
from sidecar.errors import InvalidError
from sidecar.models.base import milliseconds, timestamp
from sidecar.models.editing import Memory
from sidecar.models.workspace_sessions import PartName, Parts, SessionSummary, StoredSession, WorkspaceSession
from sidecar.repositories import codec, keys, parts
from sidecar.repositories.base import Counter, Index, Page, Repository
from sidecar.repositories.transactions import Reading, Writing

BY_USER = Index[StoredSession](
    keys.WORKSPACE_SESSIONS_BY_USER, tails=lambda session: [(keys.id_element(session.user_id),)]
)
BY_WORKSPACE = Index[StoredSession](
    keys.SESSIONS_BY_WORKSPACE,
    tails=lambda session: [(keys.workspace_element(session.workspace_path), milliseconds(session.last_active_at))],
)
RECENT = Index[StoredSession](
    keys.RECENT_SESSIONS,
    tails=lambda session: [(keys.id_element(session.user_id), milliseconds(session.last_active_at))],
)
CHILDREN = Index[StoredSession](
    keys.SESSION_CHILDREN,
    tails=lambda session: [(keys.id_element(session.parent_session_id),)] if session.parent_session_id else [],
)
BY_CONVERSATION = Index[StoredSession](
    keys.SESSIONS_BY_CONVERSATION,
    tails=lambda session: [(keys.id_element(session.conversation_id),)] if session.conversation_id else [],
)
BY_TAG = Index[StoredSession](
    keys.SESSIONS_BY_TAG, tails=lambda session: [(keys.id_element(session.user_id), tag) for tag in session.tags]
)
_PARTS_ADAPTER = TypeAdapter(Parts)
_PARTS = b',"parts":'  # in stored JSON; what follows holds hashes and numbers, so the last one is the field


class WorkspaceSessions(Repository[StoredSession]):
    """The workspace sessions of one tenant."""

    kind = "sessions"
    primary = keys.WORKSPACE_SESSIONS
    model = StoredSession
    indexes = (BY_USER, BY_WORKSPACE, RECENT, CHILDREN, BY_CONVERSATION, BY_TAG)
    counters = (Counter[StoredSession](keys.RECORD_COUNTS, under=lambda _: ("sessions",), amount=lambda _: 1),)
    large = True

    # --- one, with its state ---

    def get_by_id(self, tr: Reading, session_id: str) -> WorkspaceSession:
        """Return a session with its state.

        Raises:
            NotFoundError: There is none of that id in this tenant.
        """
        whole = self.find_json(tr, session_id)
        if whole is None:
            raise self.missing(session_id)
        return WorkspaceSession.model_validate_json(whole)

    def rendered(self, tr: Reading, value: bytes) -> bytes:
        """Return a session with its state as the API serves it, from its row and the contents that this names."""
        text = codec.json_of(self._whole(tr, value))
        end = text.rindex(_PARTS)
        named = _PARTS_ADAPTER.validate_json(text[end + len(_PARTS) : -1])
        fields = (b',"%b":%b' % (name.encode(), each) for name, each in parts.json_of(tr, self.blobs, named))
        return b"".join((text[:end], *fields, b"}"))

    def served(self, tr: Reading, value: bytes) -> bytes:
        """Return the JSON of the summary: what is stored, up to the parts, which are its last field."""
        text = codec.json_of(self._whole(tr, value))
        return text[: text.rindex(_PARTS)] + b"}"

    def served_all(self, tr: Reading, values: Sequence[bytes]) -> list[bytes]:
        """Return ``served`` of each: of most, without a call for each."""
        return [
            value[1 : value.rindex(_PARTS)] + b"}" if value[0] == codec.FORMAT else self.served(tr, value)
            for value in values
        ]

    def memory(self, tr: Reading, session: StoredSession) -> Memory:
        """Return a session's facts and decisions, without the rest of its state."""
        part = session.parts.get("memory")
        return Memory() if part is None else Memory.model_validate_json(parts.text_of(tr, self.blobs, part))

    def state_values(self, tr: Reading, session: StoredSession, fields: Container[str]) -> dict[str, Any]:
        """Return some fields of a session's state as plain values, as the API serves them; the rest is not read."""
        return {name: from_json(text) for name, text in parts.json_of(tr, self.blobs, session.parts, fields)}

    # --- writing ---

    def create(self, tr: Writing, record: StoredSession | WorkspaceSession) -> StoredSession:
        """Store a new session and its state.

        Raises:
            ConflictError: The id is taken.
            LimitExceededError: The state is too large.
        """
        if isinstance(record, WorkspaceSession):
            return self.create_split(tr, record, parts.split(state_of(record)))
        return super().create(tr, record)

    def create_split(
        self, tr: Writing, session: WorkspaceSession, splits: Mapping[PartName, parts.Split]
    ) -> StoredSession:
        """Store a new session whose state has been split already."""
        own = {name: getattr(session, name) for name in SessionSummary.model_fields}
        return super().create(tr, StoredSession(**own, parts=parts.store(tr, self.blobs, {}, splits)))

    def changed(self, old: StoredSession, fields: Mapping[str, object]) -> StoredSession:
        """Return ``old`` with some fields changed; what the state is made of is none of them."""
        if "parts" in fields:
            raise InvalidError("StoredSession: parts: can not be changed.")
        return super().changed(old, fields)

    def update(
        self, tr: Writing, identifier: str, fields: Mapping[str, object], *, if_version: int | None = None
    ) -> StoredSession:
        """Change some fields, state or not, and move the session to the head of the recent ones.

        Only the parts that are given are checked, hashed and, where they are new, stored.
        """
        old = self.get(tr, identifier)
        self.check_version(old, if_version)
        return self.replace_split(tr, old, *split_fields(fields))

    def replace_split(
        self,
        tr: Writing,
        old: StoredSession,
        fields: Mapping[str, object],
        splits: Mapping[PartName, parts.Split],
    ) -> StoredSession:
        """Change fields that are no state, and parts that have been split already."""
        new = self.changed(old, fields)
        return self.replace(tr, old, new, parts=parts.store(tr, self.blobs, old.parts, splits))

    def put_parts(self, tr: Writing, old: StoredSession, new_parts: Parts) -> StoredSession:
        """Give a session parts that are stored already: those of a snapshot."""
        return self.replace(tr, old, old, parts=new_parts)

    def replace(self, tr: Writing, old: StoredSession, new: StoredSession, **trusted: object) -> StoredSession:
        """Store ``new`` in place of ``old``; it becomes the user's most recent session."""
        return super().replace(tr, old, new, last_active_at=timestamp(tr.now_ms), **trusted)

    def fork(self, tr: Writing, identifier: str, *, user_id: str, name: str | None = None) -> StoredSession:
        """Store and return a user's new session with the same state, by reference, and this one for its parent."""
        return self.create(tr, self.get(tr, identifier).fork(now_ms=tr.now_ms, user_id=user_id, name=name))

    def unlink(
        self, tr: Writing, session: StoredSession, field: Literal["parent_session_id", "conversation_id"]
    ) -> None:
        """Let a session no longer name what is gone; it is no activity of its user."""
        super().replace(tr, session, session, **{field: None})

    # --- lists: without the state ---

    def recent_sessions(
        self, tr: Reading, user_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[StoredSession]:
        """Return a page of a user's sessions, newest activity first."""
        user = (keys.id_element(user_id),)
        return self.list_by(tr, RECENT, under=user, cursor=cursor, limit=limit, reverse=True)

    def get_by_user(
        self, tr: Reading, user_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[StoredSession]:
        """Return a page of a user's sessions, oldest first."""
        return self.list_by(tr, BY_USER, under=(keys.id_element(user_id),), cursor=cursor, limit=limit)

    def list_by_workspace(
        self, tr: Reading, path: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[StoredSession]:
        """Return a page of the sessions of a workspace, newest activity first."""
        under = (keys.workspace_element(path),)
        return self.list_by(tr, BY_WORKSPACE, under=under, cursor=cursor, limit=limit, reverse=True)

    def find_latest(self, tr: Reading, user_id: str, path: str, branch: str | None) -> StoredSession | None:
        """Return a user's session of a workspace and branch that was active last, or None.

        The user's entries and the workspace's are in one order. They are gone through by turns, each from where the
        other is: neither what others do there nor what the user does elsewhere has to be read.
        """
        places = self.spaces[RECENT.name][keys.id_element(user_id)], self.spaces[BY_WORKSPACE.name]
        turns = cycle((places[0].raw, places[1][keys.workspace_element(path)].raw))
        last, behind = b"", b"\xff"
        for prefix in islice(turns, limits.latest_leaps_max):
            rows = tr.kv.get_range(prefix, prefix + behind, limit=1, reverse=True)
            if not rows:
                return None
            tail = rows[0][0][len(prefix) :]
            if tail != last:
                last, behind = tail, tail + b"\x00"
                continue
            (session,) = self._named(tr, RECENT, rows)
            if session.workspace_path == path and session.git_branch == branch:
                return session
            behind = tail
        return None

    def find_open(self, tr: Reading, path: str) -> str | None:
        """Return the id of the session that is open in a workspace, or None.

        Sessions are not closed: the one of that path that was active last counts as open, until nobody has changed it
        for ``limits.session_open_seconds``. Adds no read conflict: a scan must not collide with typing.
        """
        space = self.spaces[BY_WORKSPACE.name][keys.workspace_element(path)]
        begin, end = space.range()
        rows = tr.kv.get_range(begin, end, limit=1, reverse=True, snapshot=True)
        if not rows:
            return None
        active_ms, identifier = space.unpack(rows[0][0])
        is_open = tr.now_ms - int(str(active_ms)) <= limits.session_open_seconds * 1000
        return str(identifier) if is_open else None

    def list_by_tag(
        self, tr: Reading, user_id: str, tag: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[StoredSession]:
        """Return a page of a user's sessions with a tag, oldest first."""
        return self.list_by(tr, BY_TAG, under=(keys.id_element(user_id), tag), cursor=cursor, limit=limit)

    def list_by_conversation(
        self, tr: Reading, conversation_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[StoredSession]:
        """Return a page of the sessions that have a conversation for theirs, oldest first."""
        under = (keys.id_element(conversation_id),)
        return self.list_by(tr, BY_CONVERSATION, under=under, cursor=cursor, limit=limit)

    def get_children(
        self, tr: Reading, session_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[StoredSession]:
        """Return a page of the sessions that were forked from one, oldest first."""
        return self.list_by(tr, CHILDREN, under=(keys.id_element(session_id),), cursor=cursor, limit=limit)

    def get_related_sessions(
        self, tr: Reading, user_id: str, tags: Sequence[str], *, limit: int, but: str | None = None
    ) -> list[StoredSession]:
        """Return a user's sessions that share tags with ``tags``: most shared first, then most recent.

        Args:
            but: The session whose relatives are asked for; it is none of them.
        """
        user = keys.id_element(user_id)
        shared: Tally[bytes] = Tally()
        for tag in dict.fromkeys(tags):
            shared.update(self._primary_keys(tr, BY_TAG, (user, tag)))
        if but is not None:
            shared.pop(self.key(but), None)
        rank: dict[bytes, int] = {}
        for key in self._primary_keys(tr, RECENT, (user,), reverse=True):
            rank.setdefault(key, len(rank))
        last = len(rank)
        nearest = sorted(shared, key=lambda key: (-shared[key], rank.get(key, last)))[:limit]
        values = [tr.kv.get(key) for key in nearest]
        return [self.decoded(tr, value) for value in values if value is not None]

    def hint(self, record: StoredSession) -> dict[str, Any]:
        """Return whose it is and where."""
        return {"user_id": record.user_id, "workspace_path": record.workspace_path}

    def names(self, record: StoredSession) -> set[bytes]:
        """Return the digests of the contents that the parts are made of."""
        return parts.digests(record.parts)

    def _primary_keys(
        self, tr: Reading, index: Index[StoredSession], under: tuple[Any, ...], *, reverse: bool = False
    ) -> list[bytes]:
        begin, end = self.spaces[index.name].range(under)
        rows = tr.kv.get_range(begin, end, limit=limits.related_scan_rows_max, reverse=reverse)
        return [self.named_key(index, key, value) for key, value in rows]


def state_of(session: WorkspaceSession) -> dict[str, object]:
    """Return the state fields of a session."""
    return {name: getattr(session, name) for name in parts.FIELDS.values()}


def split_fields(fields: Mapping[str, object]) -> tuple[dict[str, object], dict[PartName, parts.Split]]:
    """Return those of some fields of a session that are no state, and the others as parts.

    Raises:
        InvalidError: A state field is not what the model allows.
    """
    state = parts.state_of(fields)
    return {name: value for name, value in fields.items() if name not in state}, parts.split(state)
