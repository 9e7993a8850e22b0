"""The queries of single nouns, at their edges: prefixes that are not the whole, bounds of time, long paths."""

import asyncio
import json
from functools import partial

import pytest

from sidecar import limits
from sidecar.errors import ConflictError, NotFoundError
from sidecar.ids import new_id
from sidecar.models.audit import Audit
from sidecar.models.auth_sessions import AuthSession
from sidecar.models.base import milliseconds, timestamp
from sidecar.models.files import FileEntry
from sidecar.models.settings import Setting
from sidecar.models.tenants import Tenant
from sidecar.models.users import User
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories.audit import Audits
from sidecar.repositories.auth_sessions import AuthSessions
from sidecar.repositories.files import Files, is_deleted
from sidecar.repositories.keys import Keyspace, TenantKeys
from sidecar.repositories.settings import Settings, named
from sidecar.repositories.tenants import Tenants, list_active_tenants
from sidecar.repositories.transactions import Database, Writing
from sidecar.repositories.users import Users, find_accounts
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from tests.clocks import FakeClock
from tests.contract.repositories.samples import NOW_MS, OTHER_TENANT_ID, OWNER, TENANT_ID, an_id

DAY_MS = 86_400_000


async def test_an_address_finds_its_account_in_each_tenant_in_whatever_case(
    database: Database, tenant: TenantKeys, other_tenant: TenantKeys, keyspace: Keyspace
) -> None:
    for keys, number in ((tenant, 1), (other_tenant, 2)):
        user = User.new(tenant_id=keys.tenant_id, email="Straße@Example.org", now_ms=NOW_MS, user_id=an_id(number))
        await database.transact(lambda tr, k=keys, u=user: Users(k).create(tr, u))  # type: ignore[misc] # bound per turn

    found = await database.read(lambda tr: find_accounts(tr, keyspace, "STRASSE@EXAMPLE.ORG"))

    assert found == [(TENANT_ID, an_id(1)), (OTHER_TENANT_ID, an_id(2))]
    assert (await database.read(lambda tr: Users(tenant).get_by_email(tr, "strasse@example.org"))).id == an_id(1)
    with pytest.raises(NotFoundError):
        await database.read(lambda tr: Users(tenant).get_by_email(tr, "strasse@example.or"))


async def test_an_inactive_tenant_is_not_listed(database: Database, tenant: TenantKeys, keyspace: Keyspace) -> None:
    def active(tenants: list[Tenant]) -> list[str]:
        return [each.id for each in tenants]

    both = await database.read(lambda tr: list_active_tenants(tr, keyspace, limit=1))
    await database.transact(lambda tr: Tenants(tenant).update(tr, TENANT_ID, {"is_active": False}))
    rest = await database.read(lambda tr: list_active_tenants(tr, keyspace))

    assert (active(both.items), both.next_cursor is not None) == ([TENANT_ID], True)
    assert active(rest.items) == [OTHER_TENANT_ID]
    with pytest.raises(NotFoundError):
        await database.read(lambda tr: Tenants(tenant).get(tr, OTHER_TENANT_ID))


async def test_a_tag_finds_itself_and_not_what_begins_with_it(database: Database, tenant: TenantKeys) -> None:
    sessions = WorkspaceSessions(tenant)

    def fill(tr: Writing) -> None:
        for tag in ("a", "ab", "a\x00", "A"):
            made = WorkspaceSession.new(
                tenant_id=TENANT_ID, user_id=OWNER, name=repr(tag), workspace_path="/w", now_ms=NOW_MS, tags=[tag]
            )
            sessions.create(tr, made)

    await database.transact(fill)

    found = await database.read(lambda tr: sessions.list_by_tag(tr, OWNER, "a").items)
    assert [each.name for each in found] == ["'a'"]
    assert await database.read(lambda tr: sessions.list_by_tag(tr, an_id(4), "a").items) == []


async def test_long_workspace_paths_that_share_their_head_are_kept_apart(
    database: Database, tenant: TenantKeys
) -> None:
    sessions = WorkspaceSessions(tenant)
    paths = ["/" + "w" * 300 + end for end in ("/one", "/two")]
    for path in paths:
        made = WorkspaceSession.new(tenant_id=TENANT_ID, user_id=OWNER, name="s", workspace_path=path, now_ms=NOW_MS)
        await database.transact(lambda tr, made=made: sessions.create(tr, made))  # type: ignore[misc] # bound per turn

    found = await database.read(lambda tr: sessions.list_by_workspace(tr, paths[1]).items)

    assert [each.workspace_path for each in found] == paths[1:]


async def test_audit_entries_are_found_between_times_from_the_first_included_to_the_last_excluded(
    database: Database, tenant: TenantKeys
) -> None:
    audits = Audits(tenant)
    times = [NOW_MS, NOW_MS + 1, NOW_MS + DAY_MS, NOW_MS + 3 * DAY_MS]

    def fill(tr: Writing) -> None:
        for now_ms in times:
            audits.create(tr, Audit.new(tenant_id=TENANT_ID, event_type="a.b", now_ms=now_ms, user_id=OWNER))
        audits.create(tr, Audit.new(tenant_id=TENANT_ID, event_type="a.bc", now_ms=NOW_MS + 1))

    await database.transact(fill)
    between = (times[1], times[3])

    for page in (
        await database.read(lambda tr: audits.list_by_user(tr, OWNER, between_ms=between)),
        await database.read(lambda tr: audits.list_by_event(tr, "a.b", between_ms=between)),
    ):
        assert [milliseconds(each.created_at) for each in page.items] == [times[2], times[1]]
    dated = await database.read(lambda tr: audits.list_by_date(tr, between_ms=between))
    assert [milliseconds(each.created_at) for each in dated.items] == [times[2], times[1], times[1]]
    assert len(await database.read(lambda tr: audits.list_by_date(tr).items)) == 5


async def test_a_family_ends_whole_and_no_other_with_it(database: Database, tenant: TenantKeys) -> None:
    sessions = AuthSessions(tenant)
    one, two = (
        AuthSession.new(tenant_id=TENANT_ID, user_id=OWNER, refresh_token_hash="0" * 64, now_ms=NOW_MS)
        for _ in range(2)
    )

    def fill(tr: Writing) -> None:
        sessions.create(tr, one)
        sessions.create(tr, two)
        newest = one
        for number in range(3):
            newest = sessions.rotate_tokens(tr, newest, refresh_token_hash=f"{number}" * 64)

    await database.transact(fill)
    ended = await database.transact(lambda tr: sessions.invalidate_family(tr, one.token_family))

    links = await database.read(lambda tr: sessions.get_by_token_family(tr, one.token_family).items)
    assert (ended, len(links), [each.revoked_at for each in links]) == (1, 4, [timestamp(NOW_MS)] * 4)
    assert (await database.read(lambda tr: sessions.get(tr, two.id))).revoked_at is None


async def test_settings_of_one_user_and_category_end_where_the_next_begins(
    database: Database, tenant: TenantKeys
) -> None:
    settings = Settings(tenant)

    def fill(tr: Writing) -> None:
        for user, category, key in ((1, "ed", "k"), (1, "editor", "a/b"), (1, "editor", "a"), (2, "editor", "a")):
            made = Setting.new(
                tenant_id=TENANT_ID, user_id=an_id(user), category=category, key=key, value=user, now_ms=NOW_MS
            )
            settings.put(tr, made)

    await database.transact(fill)

    mine = await database.read(lambda tr: settings.get_all(tr, an_id(1)).items)
    assert [(each.category, each.key) for each in mine] == [("ed", "k"), ("editor", "a"), ("editor", "a/b")]
    category = await database.read(lambda tr: settings.list_by_category(tr, "editor").items)
    assert [(each.user_id, each.key) for each in category] == [(an_id(1), "a"), (an_id(1), "a/b"), (an_id(2), "a")]
    assert (await database.read(lambda tr: settings.get(tr, named(an_id(1), "editor", "a/b")))).value == 1


async def test_files_below_a_long_folder_are_listed_without_its_neighbours(
    database: Database, tenant: TenantKeys
) -> None:
    files = Files(tenant)
    folder, neighbour = b"d" * 250 + b"/x/", b"d" * 250 + b"/y/"
    entries = [
        FileEntry(
            path=path,
            id=new_id(NOW_MS),
            size=1,
            mtime_ns=1,
            ctime_ns=1,
            inode=1,
            checksum=b"",
            kind="unreadable",
            is_deleted=False,
        )
        for path in (folder + b"a", folder + b"b", neighbour + b"a", b"\xff\xfe")
    ]
    await database.transact(lambda tr: files.put_entries(tr, "/w", entries, []))

    listed = await database.read(lambda tr: files.list_entries(tr, "/w", under=folder, limit=10))
    page = await database.read(lambda tr: files.page_of_workspace(tr, "/w", prefix=folder))

    assert sorted(each.path for each in listed) == [folder + b"a", folder + b"b"]
    assert sorted(json.loads(each)["file_path"].encode() for each in page.items) == [folder + b"a", folder + b"b"]
    odd = await database.read(lambda tr: files.find_by_path(tr, "/w", b"\xff\xfe"))
    assert odd is not None
    assert (odd.file_path, odd.raw_path) == ("\\xff\\xfe", b"\xff\xfe")


async def test_the_files_of_a_session_are_those_whose_present_version_was_recorded_in_it(
    database: Database, tenant: TenantKeys
) -> None:
    files, (first, second) = Files(tenant), (new_id(NOW_MS), new_id(NOW_MS))

    def seen(path: bytes, size: int) -> FileEntry:
        return FileEntry(
            path=path, id="", size=size, mtime_ns=1, inode=1, checksum=b"", kind="unreadable", is_deleted=False
        )

    both = [seen(b"a", 1), seen(b"b", 1)]
    await database.transact(lambda tr: files.put_entries(tr, "/w", both, [], session_id=first))
    await database.transact(lambda tr: files.put_entries(tr, "/w", [seen(b"b", 2)], [], session_id=second))

    async def of(session_id: str) -> list[str]:
        found = await database.read(lambda tr: files.list_by_session(tr, session_id))
        return [each.file_path for each in found.items]

    assert (await of(first), await of(second), await of(new_id(NOW_MS))) == (["a"], ["b"], [])


async def test_of_a_file_as_it_is_served_is_told_whether_it_is_gone_whatever_its_name(
    database: Database, tenant: TenantKeys
) -> None:
    files, path = Files(tenant), b'"is_deleted":true,'
    entry = FileEntry(path=path, id="", size=1, mtime_ns=1, inode=1, checksum=b"", kind="unreadable", is_deleted=False)
    await database.transact(lambda tr: files.put_entries(tr, "/w", [entry], []))
    file = await database.read(lambda tr: files.find_by_path(tr, "/w", path))
    assert file is not None

    [there] = await database.read(lambda tr: files.page_of_workspace(tr, "/w").items)
    assert (there, is_deleted(there)) == (file.to_json(), False)
    gone = await database.transact(lambda tr: files.soft_delete(tr, file.id))
    [text] = await database.read(lambda tr: files.page_of_workspace(tr, "/w").items)
    assert (text, is_deleted(text)) == (gone.to_json(), True)


async def test_of_two_who_take_one_address_at_once_one_is_told(database: Database, tenant: TenantKeys) -> None:
    users = [
        User.new(tenant_id=TENANT_ID, email=email, now_ms=NOW_MS)
        for email in ("taken@example.org", "Taken@Example.org")
    ]

    outcomes = await asyncio.gather(
        *(database.transact(partial(Users(tenant).create, record=user)) for user in users), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConflictError", "User"]
    assert len(await database.read(lambda tr: Users(tenant).list_by_tenant(tr).items)) == 1


async def test_a_record_can_not_move_onto_anothers_unique_value(database: Database, tenant: TenantKeys) -> None:
    users = Users(tenant)
    for number in (1, 2):
        user = User.new(tenant_id=TENANT_ID, email=f"{number}@example.org", now_ms=NOW_MS, user_id=an_id(number))
        await database.transact(partial(users.create, record=user))

    with pytest.raises(ConflictError):
        await database.transact(lambda tr: users.update(tr, an_id(1), {"email": "2@example.org"}))
    await database.transact(lambda tr: users.update(tr, an_id(2), {"email": "3@example.org"}))
    await database.transact(lambda tr: users.update(tr, an_id(1), {"email": "2@example.org"}))

    assert (await database.read(lambda tr: users.get_by_email(tr, "2@example.org"))).id == an_id(1)


async def test_the_session_that_was_active_last_is_open_in_its_workspace_for_a_day(
    database: Database, tenant: TenantKeys, clock: FakeClock
) -> None:
    sessions = WorkspaceSessions(tenant)
    made: dict[str, str] = {}
    began_ms = clock.now_ms()
    for name, path in (("first", "/w"), ("second", "/w"), ("elsewhere", "/w/below")):
        clock.move(1)
        session = WorkspaceSession.new(
            tenant_id=TENANT_ID, user_id=OWNER, name=name, workspace_path=path, now_ms=clock.now_ms()
        )
        made[name] = (await database.transact(partial(sessions.create, record=session))).id

    async def found(path: str) -> str | None:
        return await database.read(lambda tr: sessions.find_open(tr, path))

    assert [await found("/w"), await found("/w/below"), await found("/")] == [made["second"], made["elsewhere"], None]
    await database.transact(lambda tr: sessions.update(tr, made["first"], {"name": "again"}))
    assert await found("/w") == made["first"]
    clock.move(limits.session_open_seconds - (clock.now_ms() - began_ms) / 1000)
    assert await found("/w") == made["first"]
    clock.move(10)
    assert await found("/w") is None
