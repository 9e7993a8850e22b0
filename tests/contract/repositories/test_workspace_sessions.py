"""Sessions: state by parts, history, forks, and finding them again."""

import asyncio
import json

import pytest

from sidecar import limits
from sidecar.errors import InvalidError, LimitExceededError, NotFoundError, VersionConflictError
from sidecar.models.base import timestamp
from sidecar.models.tenants import TenantLimits, TenantSettings
from sidecar.models.workspace_sessions import StoredSession, WorkspaceSession
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.tenants import Tenants
from sidecar.repositories.transactions import Database, Reading, Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.services.sessions import SessionService
from tests.clocks import FakeClock
from tests.contract.repositories.samples import NOW_MS, OWNER, TENANT_ID, an_id

BUFFER = 'unsaved "text"\n\té🚲' * 270_000  # 5.1 million characters
LARGE = BUFFER[:1_000_000]


def editor(content: str | None = None, *, line: int = 0) -> dict[str, object]:
    """Return an editor state with one tab and the cursor on a line."""
    at = {"line": line, "character": 0}
    tab = {
        "path": "/w/a.py",
        "dirty": content is not None,
        "content": content,
        "selections": [{"start": at, "end": at}],
    }
    return {"groups": [{"tabs": [tab], "of_another_ide": {"kept": [1, None, "as it is"]}}], "zoom": 1.5}


def session(**fields: object) -> WorkspaceSession:
    """Return a session that is not stored yet."""
    return WorkspaceSession.new(
        tenant_id=TENANT_ID, user_id=OWNER, name="s", workspace_path="/w", now_ms=NOW_MS, **fields
    )


def blob_rows(tr: Reading, sessions: WorkspaceSessions) -> int:
    """Return how many rows hold contents, or name them."""
    spaces = (sessions.blobs.headers, sessions.blobs.chunks, sessions.blobs.references)
    return sum(len(tr.kv.get_range(*space.range())) for space in spaces)


@pytest.fixture
def sessions(tenant: TenantKeys) -> WorkspaceSessions:
    return WorkspaceSessions(tenant)


@pytest.fixture
def service(database: Database) -> SessionService:
    return SessionService(database)


async def test_a_session_is_read_back_with_all_its_state(database: Database, sessions: WorkspaceSessions) -> None:
    made = session(
        editor_state=editor("x" * 10_000),
        terminal_state={
            "terminals": [{"name": "zsh", "scrollback": "$ ls\n" * 5_000, "commands": [{"command": "ls"}]}]
        },
        breakpoints=[{"path": "/w/a.py", "line": 3, "condition": "x > 1"}, {"function_name": "main", "their": "own"}],
        active_files=["/w/a.py"],
        context_files=["/w/b.py"],
        memory={"facts": ["a fact", {"text": "another", "since": "2026"}], "decisions": ["so it is"]},
        tags=["a"],
    )
    await database.transact(lambda tr: sessions.create(tr, made))

    assert await database.read(lambda tr: sessions.get_by_id(tr, made.id)) == made
    served = await database.read(lambda tr: sessions.find_json(tr, made.id))
    assert json.loads(served or b"") == json.loads(made.to_json())
    assert json.loads(served or b"")["editor_state"]["groups"][0]["of_another_ide"]["kept"] == [1, None, "as it is"]


async def test_an_empty_state_takes_no_blob(database: Database, sessions: WorkspaceSessions) -> None:
    made = session()
    await database.transact(lambda tr: sessions.create(tr, made))

    assert await database.read(lambda tr: blob_rows(tr, sessions)) == 0
    assert await database.read(lambda tr: sessions.get_by_id(tr, made.id)) == made


async def test_moving_the_cursor_beside_a_5_mb_unsaved_buffer_writes_kilobytes(
    database: Database, tenant: TenantKeys, sessions: WorkspaceSessions, service: SessionService
) -> None:
    made = session(editor_state=editor(BUFFER))
    await service.create(tenant, made)
    written: list[int] = []

    def move(tr: Writing) -> StoredSession:
        moved = sessions.update(tr, made.id, {"editor_state": editor(BUFFER, line=7)})
        tr.flush()
        written.append(tr.kv.size_bytes())
        return moved

    await database.transact(move)

    assert len(BUFFER.encode()) > 5_000_000
    assert written[-1] <= 64_000
    state = (await database.read(lambda tr: sessions.get_by_id(tr, made.id))).editor_state
    assert state.groups[0].tabs[0].content == BUFFER
    assert state.groups[0].tabs[0].selections[0].start.line == 7


async def test_200_snapshots_store_the_buffer_once(
    database: Database, tenant: TenantKeys, sessions: WorkspaceSessions, service: SessionService, clock: FakeClock
) -> None:
    made = session(editor_state=editor(LARGE))
    await service.create(tenant, made)
    before = await database.read(lambda tr: len(tr.kv.get_range(*sessions.blobs.chunks.range())))
    for number in range(200):
        clock.move(1)
        await database.transact(
            lambda tr, n=number: sessions.update(tr, made.id, {"editor_state": editor(LARGE, line=n)})  # type: ignore[misc] # bound per turn
        )
        await service.take_snapshot(tenant, made.id)

    assert await database.read(lambda tr: len(tr.kv.get_range(*sessions.blobs.chunks.range()))) == before
    found = await database.read(lambda tr: Snapshots(tenant).moments(tr, made.id))
    assert len(found) == 200

    await service.delete(tenant, made.id)
    assert await database.read(lambda tr: blob_rows(tr, sessions)) == 0


async def test_an_update_without_state_leaves_the_parts_as_they_are(
    tenant: TenantKeys, service: SessionService
) -> None:
    made = session(editor_state=editor(BUFFER))
    stored = await service.create(tenant, made)

    new = await service.update(tenant, made.id, {"name": "renamed"}, if_version=1)

    assert (new.name, new.parts, new.version) == ("renamed", stored.parts, 2)


async def test_what_is_typed_away_is_freed(
    database: Database, tenant: TenantKeys, sessions: WorkspaceSessions, service: SessionService
) -> None:
    made = session(editor_state=editor("a" * 200_000))
    await service.create(tenant, made)
    rows = await database.read(lambda tr: blob_rows(tr, sessions))

    await service.update(tenant, made.id, {"editor_state": editor("b" * 200_000)})

    assert await database.read(lambda tr: blob_rows(tr, sessions)) == rows


async def test_a_state_that_is_too_large_is_refused_in_one_sentence(
    database: Database, sessions: WorkspaceSessions
) -> None:
    made = session(editor_state=editor(BUFFER), terminal_state={"terminals": [], "log": BUFFER})

    with pytest.raises(LimitExceededError, match="may have"):
        await database.transact(lambda tr: sessions.create(tr, made))


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("editor_state", {"groups": [{"tabs": [{"kind": "text"}]}]}, "uri or a path"),
        ("editor_state", {"groups": [{"tabs": [{"path": "a", "dirty": "yes"}]}]}, "dirty"),
        ("editor_state", {"deep": json.loads("[" * 60 + "]" * 60)}, "nested"),
        ("editor_state", {"wide": [0] * (limits.tree_nodes_max + 1)}, "holds more"),
        ("editor_state", {"groups": [{"tabs": [{"path": "x"}] * 1_000}] * 20}, "holds more"),  # eleven values a tab
        ("breakpoints", [{"condition": "x"}], "path and a line"),
        ("breakpoints", [{"path": "a", "line": 0}], "line"),
        ("tags", ["x" * (limits.tag_chars_max + 1)], "tags"),
        ("parts", {}, "parts"),
        ("nothing_we_know", 1, "nothing_we_know"),
    ],
)
async def test_what_the_model_does_not_allow_is_refused_by_name(
    database: Database, sessions: WorkspaceSessions, field: str, value: object, named: str
) -> None:
    made = session()
    await database.transact(lambda tr: sessions.create(tr, made))

    with pytest.raises(InvalidError, match=named):
        await database.transact(lambda tr: sessions.update(tr, made.id, {field: value}))


async def test_recent_sessions_are_newest_first_and_an_update_moves_one_to_the_head(
    database: Database, sessions: WorkspaceSessions, clock: FakeClock
) -> None:
    made = []
    for _ in range(4):
        clock.move(1)
        made.append(
            WorkspaceSession.new(
                tenant_id=TENANT_ID, user_id=OWNER, name="s", workspace_path="/w", now_ms=clock.now_ms()
            )
        )
        await database.transact(lambda tr: sessions.create(tr, made[-1]))
    first, second, third, fourth = (each.id for each in made)
    clock.move(1)
    await database.transact(lambda tr: sessions.update(tr, second, {"name": "moved"}))

    page = await database.read(lambda tr: sessions.recent_sessions(tr, OWNER, limit=3))
    rest = await database.read(lambda tr: sessions.recent_sessions(tr, OWNER, cursor=page.next_cursor))

    assert [each.id for each in (*page.items, *rest.items)] == [second, fourth, third, first]


async def test_a_users_sessions_are_listed_oldest_first_by_pages_and_no_others(
    database: Database, sessions: WorkspaceSessions, clock: FakeClock
) -> None:
    made = []
    for user_id in (OWNER, an_id(4), OWNER, OWNER):
        clock.move(1)
        new = WorkspaceSession.new(
            tenant_id=TENANT_ID, user_id=user_id, name="s", workspace_path="/w", now_ms=clock.now_ms()
        )
        made.append(await database.transact(lambda tr, new=new: sessions.create(tr, new)))  # type: ignore[misc] # bound per turn
    own = [each.id for each in made if each.user_id == OWNER]
    await database.transact(lambda tr: sessions.update(tr, own[0], {"name": "changed later"}))

    page = await database.read(lambda tr: sessions.get_by_user(tr, OWNER, limit=2))
    rest = await database.read(lambda tr: sessions.get_by_user(tr, OWNER, cursor=page.next_cursor))

    assert [each.id for each in page.items] == own[:2]
    assert ([each.id for each in rest.items], rest.next_cursor) == (own[2:], None)
    assert await database.read(lambda tr: sessions.get_by_user(tr, an_id(5)).items) == []


async def test_related_sessions_share_most_tags_first_then_are_most_recent(
    database: Database, sessions: WorkspaceSessions, clock: FakeClock
) -> None:
    ids = {}
    for name, tags in {
        "one": ["a"],
        "three": ["a", "b", "c"],
        "two": ["a", "b", "z"],
        "two later": ["b", "c"],
        "none": [],
    }.items():
        clock.move(1)
        made = WorkspaceSession.new(
            tenant_id=TENANT_ID, user_id=OWNER, name=name, workspace_path="/w", now_ms=clock.now_ms(), tags=tags
        )
        ids[name] = made.id
        await database.transact(lambda tr, made=made: sessions.create(tr, made))  # type: ignore[misc] # bound per turn

    found = await database.read(lambda tr: sessions.get_related_sessions(tr, OWNER, ["a", "b", "c"], limit=10))
    but = await database.read(
        lambda tr: sessions.get_related_sessions(tr, OWNER, ["a", "b", "c"], limit=2, but=ids["three"])
    )

    assert [each.name for each in found] == ["three", "two later", "two", "one"]
    assert [each.name for each in but] == ["two later", "two"]


async def test_a_fork_copies_state_by_reference_and_keeps_the_link_both_ways(
    database: Database, tenant: TenantKeys, sessions: WorkspaceSessions, service: SessionService
) -> None:
    made = session(editor_state=editor(BUFFER), memory={"facts": ["known"]})
    parent = await service.create(tenant, made)
    chunks = await database.read(lambda tr: len(tr.kv.get_range(*sessions.blobs.chunks.range())))

    child = await service.fork(tenant, made.id, user_id=made.user_id, name="child")

    assert (child.parent_session_id, child.version, child.parts) == (made.id, 1, parent.parts)
    assert await database.read(lambda tr: len(tr.kv.get_range(*sessions.blobs.chunks.range()))) == chunks
    assert await database.read(lambda tr: sessions.get_children(tr, made.id).items) == [child]
    await service.delete(tenant, made.id)
    orphan = await database.read(lambda tr: sessions.get_by_id(tr, child.id))
    assert orphan.parent_session_id is None
    assert (orphan.editor_state, orphan.memory) == (made.editor_state, made.memory)


async def test_a_restore_keeps_what_it_replaces_and_leaves_the_memory(
    database: Database, tenant: TenantKeys, sessions: WorkspaceSessions, service: SessionService
) -> None:
    made = session(editor_state=editor("old" * 4_000), memory={"facts": ["before"]})
    await service.create(tenant, made)
    kept = await service.take_snapshot(tenant, made.id, label="good")
    await service.update(tenant, made.id, {"editor_state": editor("new" * 4_000), "memory": {"facts": ["after"]}})

    await service.restore(tenant, made.id, kept.id)

    now = await database.read(lambda tr: sessions.get_by_id(tr, made.id))
    assert now.editor_state == made.editor_state
    assert now.memory.facts == ["after"]
    replaced, *_ = await database.read(lambda tr: Snapshots(tenant).list_by_session(tr, made.id).items)
    assert replaced.reason == "restore"
    await service.restore(tenant, made.id, replaced.id)
    again = await database.read(lambda tr: sessions.get_by_id(tr, made.id))
    assert again.editor_state.groups[0].tabs[0].content == "new" * 4_000


async def test_only_a_sessions_own_snapshot_can_be_restored(tenant: TenantKeys, service: SessionService) -> None:
    one, two = session(), session()
    await service.create(tenant, one)
    await service.create(tenant, two)
    foreign = await service.take_snapshot(tenant, two.id)

    with pytest.raises(NotFoundError):
        await service.restore(tenant, one.id, foreign.id)


async def test_changes_of_the_state_keep_history_but_not_more_often_than_every_interval(
    database: Database, tenant: TenantKeys, service: SessionService, clock: FakeClock
) -> None:
    made = session(editor_state=editor("x", line=0))
    await service.create(tenant, made)
    for line in range(1, 11):
        clock.move(limits.snapshot_interval_seconds / 4)
        await service.update(tenant, made.id, {"editor_state": editor("x", line=line)})
        await service.update(tenant, made.id, {"name": f"at {line}"})

    found = await database.read(lambda tr: Snapshots(tenant).list_by_session(tr, made.id).items)

    assert [each.reason for each in found] == ["auto", "auto"]


async def test_a_clock_that_was_put_back_stops_no_history(
    database: Database, tenant: TenantKeys, service: SessionService, clock: FakeClock
) -> None:
    clock.move(30 * 86_400)
    made = session(editor_state=editor("x", line=0)).model_copy(update={"created_at": timestamp(clock.now_ms())})
    await service.create(tenant, made)
    clock.move(limits.snapshot_interval_seconds)
    await service.update(tenant, made.id, {"editor_state": editor("x", line=1)})
    clock.move(-30 * 86_400)
    for line in range(2, 12):
        clock.move(limits.snapshot_interval_seconds / 2)
        await service.update(tenant, made.id, {"editor_state": editor("x", line=line)})

    assert len(await database.read(lambda tr: Snapshots(tenant).moments(tr, made.id))) == 1 + 5


async def refused(service: SessionService, tenant: TenantKeys, session_id: str, if_version: int | None) -> None:
    with pytest.raises((NotFoundError, VersionConflictError, LimitExceededError)):
        await service.update(tenant, session_id, {"terminal_state": {"note": LARGE * 2}}, if_version=if_version)


async def test_a_change_that_is_refused_leaves_no_contents(
    database: Database,
    tenant: TenantKeys,
    service: SessionService,
    sessions: WorkspaceSessions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = await service.create(tenant, session(editor_state=editor("small")))
    before = await database.read(lambda tr: blob_rows(tr, sessions))

    await refused(service, tenant, made.id, 9)
    await refused(service, tenant, an_id(404), None)
    monkeypatch.setattr(limits, "session_state_bytes_max", len(LARGE))
    await refused(service, tenant, made.id, None)
    monkeypatch.undo()
    tenants, bounds = Tenants(tenant), TenantLimits(storage_bytes_max=1)
    await database.transact(lambda tr: tenants.update(tr, TENANT_ID, {"settings": TenantSettings(limits=bounds)}))
    await refused(service, tenant, made.id, None)
    with pytest.raises(LimitExceededError):
        await service.create(tenant, session(editor_state=editor(LARGE * 2)))

    assert await database.read(lambda tr: blob_rows(tr, sessions)) == before


async def test_two_windows_that_resume_at_once_have_one_session(
    database: Database, tenant: TenantKeys, service: SessionService
) -> None:
    found = await asyncio.gather(*(service.resume(tenant, session(git_branch="main")) for _ in range(8)))

    assert [is_new for _, is_new in found].count(True) == 1
    assert len(await database.read(lambda tr: WorkspaceSessions(tenant).list_all(tr).items)) == 1


async def test_resume_finds_the_latest_of_user_path_and_branch_or_makes_one(
    tenant: TenantKeys, service: SessionService, clock: FakeClock
) -> None:
    main, is_new = await service.resume(tenant, session(git_branch="main"))
    clock.move(1)
    other, other_is_new = await service.resume(tenant, session(git_branch="other"))
    clock.move(1)

    again, again_is_new = await service.resume(tenant, session(git_branch="main"))

    assert (is_new, other_is_new, again_is_new) == (True, True, False)
    assert again.id == main.id != other.id
