"""Search: what is stored is found at once, in order of rank, by whoever may read it; the file is only derived."""

import asyncio
import json
import math
import shutil
import sqlite3
import threading
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import limits
from sidecar.clock import SystemClock
from sidecar.errors import LimitExceededError
from sidecar.ids import new_id
from sidecar.models.workspace_sessions import WorkspaceSession
from sidecar.repositories.conversations import Conversations
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.transactions import Writing
from sidecar.repositories.workspace_sessions import WorkspaceSessions
from sidecar.search.file import IndexFile, Wanted
from sidecar.search.index import KINDS, Search
from sidecar.search.snippets import Snippets
from sidecar.search.text import Entry, excerpt, terms_of
from sidecar.services.cascades import Cascades
from sidecar.services.sessions import SessionService
from tests.clocks import FakeClock
from tests.integration.house import House, running_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as house:
        yield house


async def found(house: House, token: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await house.call("GET", "/api/v5/search", token, params=asked)
    assert answer.status == 200, answer
    return list(answer.content["items"])


async def store(house: House, token: str, kind: str, **fields: Any) -> str:
    answer = await house.call("POST", f"/api/v5/{kind}", token, json=fields)
    assert answer.status == 201, answer
    return str(answer.content["id"])


async def talk(house: House, token: str, title: str, *messages: str) -> str:
    identifier = await store(house, token, "conversations", ai_provider="x", title=title)
    for each in messages:
        await store(house, token, f"conversations/{identifier}/messages", role="user", content=each)
    return identifier


async def test_everything_that_is_stored_is_found_at_once_and_no_longer_once_it_is_gone(house: House) -> None:
    token = (await house.pair())["access_token"]
    session = await store(
        house,
        token,
        "sessions",
        name="walnut",
        workspace_path="/x",
        tags=["hazel"],
        memory={"facts": ["almond is a fruit"], "decisions": [{"text": "pecan pie"}]},
    )
    conversation = await talk(house, token, "chestnut", "the macadamia question")
    for word, kind, place in (
        ("walnut", "sessions", session),
        ("HAZEL", "sessions", session),
        ("almond fruit", "sessions", session),
        ("pec", "sessions", session),
        ("chestnut", "conversations", conversation),
        ("macadamia", "messages", conversation),
    ):
        (hit,) = await found(house, token, q=word)
        assert (hit["kind"], hit["place_id"]) == (kind, place), word
    (hit,) = await found(house, token, q="macadamia")
    assert hit["snippet"] == "the «macadamia» question"
    await house.call("PATCH", f"/api/v5/sessions/{session}", token, json={"name": "filbert"})
    assert await found(house, token, q="walnut") == []
    assert len(await found(house, token, q="filbert")) == 1
    await house.call("DELETE", f"/api/v5/conversations/{conversation}", token)
    assert await found(house, token, q="chestnut") == []
    assert await found(house, token, q="macadamia") == []


async def test_a_word_that_texts_say_very_often_is_found_in_time_in_proportion(house: House) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, "other", *["walnut " * 28_000 for _ in range(10)])
    hits = await found(house, token, q="walnut")  # the square of that would take minutes, and time the test out
    assert [hit["snippet"].count("«walnut»") for hit in hits] == [13] * 10
    (hit,) = await found(house, token, q="walnut " * 50 + "waln", limit="1")
    assert "«walnut»" in hit["snippet"]


async def test_a_search_that_takes_too_long_is_ended_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, "walnut")
    with monkeypatch.context() as patched:
        patched.setattr(limits, "search_seconds_max", 0.0)
        answer = await house.call("GET", "/api/v5/search", token, params={"q": "walnut"})
    assert (answer.status, answer.code) == (403, "limit_exceeded"), answer
    assert len(await found(house, token, q="walnut")) == 1


def test_a_search_ends_when_the_daemon_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppingClock(FakeClock):
        asked = -math.inf

        def monotonic(self) -> float:
            self.asked += 1
            if self.asked == 2:  # it has begun, and SQLite has asked once whether to go on
                file.stop()
            return super().monotonic()

    monkeypatch.setattr(limits, "search_steps_unasked", 100)
    clock = StoppingClock()
    file = IndexFile(tmp_path / "index", "epoch", clock)
    file.write("t", [Entry("messages", str(n), "o", "p", "", "walnut " * n) for n in range(100)], [], None)
    clock.asked = 0
    with pytest.raises(LimitExceededError):
        file.find(Wanted("t", terms_of("walnut"), None, None), limit=1, offset=0)
    assert clock.asked == 2, "it went on"
    file.close()


async def test_who_closes_the_index_does_not_wait_for_the_end_of_a_search(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = house.context.database
    tenant = database.keyspace.tenant((await house.pair())["tenant"]["id"])
    for _ in range(2):
        session = WorkspaceSession.new(
            tenant_id=tenant.tenant_id, user_id=new_id(1), name="walnut", workspace_path="/x", now_ms=1
        )
        await SessionService(database).create(tenant, session)
    begun, told, stop = threading.Event(), threading.Event(), IndexFile.stop

    def stopped(file: IndexFile) -> None:
        stop(file)
        told.set()

    def slow(*_given: Any) -> str:
        begun.set()
        assert told.wait(60), "nobody told it to stop"
        return ""

    monkeypatch.setattr(IndexFile, "stop", stopped)
    monkeypatch.setattr(Snippets, "of", slow)
    search = Search(database, tmp_path / "own.sqlite3")

    async def close() -> None:
        await asyncio.to_thread(begun.wait)
        await search.close()

    wanted = Wanted(tenant.tenant_id, ("walnut",), None, None)
    ended = await asyncio.gather(search.find(tenant, wanted, limit=9, offset=0), close(), return_exceptions=True)
    assert isinstance(ended[0], LimitExceededError), "the second hit was looked at all the same"
    assert ended[1] is None


def test_what_matched_far_behind_in_a_text_is_shown() -> None:
    body = "hazel " * 5_100 + "a walnut" + " hazel" * 5_000
    snippets = Snippets()
    shown = snippets.of(terms_of("walnut"), "title", body)
    assert shown.startswith("…hazel")
    assert shown.endswith("hazel…")
    assert "a \x02walnut\x03 hazel" in shown
    assert snippets.of(terms_of("walnut"), "one walnut", "none") == "one \x02walnut\x03"
    assert snippets.of(terms_of("almond"), "title", body) == "title"
    snippets.close()


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("\x02a\x03", "\x02a\x03"),
        ("no match", "no match"),
        ("x " * 200 + "\x02a\x03 " + "y " * 200, f"…{'x ' * 15}\x02a\x03 {'y ' * 43}"[:-1] + "…"),
        ("\x02a\x03 " + "x " * 200 + "\x02a\x03 \x02b\x03 c", f"…{'x ' * 15}\x02a\x03 \x02b\x03 c"),
        ("\x02" + "a" * 130 + "\x03 \x02b\x03\x02c\x03", "…\x02b\x03\x02c\x03"),
    ],
)
def test_a_snippet_shows_where_most_words_stand_together(marked: str, shown: str) -> None:
    assert excerpt(marked) == shown


@given(st.text(alphabet="ab \x02\x03\n", max_size=400))
def test_a_snippet_is_short_and_its_marks_pair(marked: str) -> None:
    assert len(excerpt(marked)) <= limits.search_snippet_chars + len("…\x03…")


async def test_names_rank_before_texts_and_pages_hold_everything_once(house: House) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, "other", "long words about a parser and other things")
    named = await talk(house, token, "parser")
    for number in range(7):
        await talk(house, token, "other", f"parser {number}")
    hits = await found(house, token, q="parser")
    assert hits[0]["id"] == named
    assert [hit["rank"] for hit in hits] == sorted(hit["rank"] for hit in hits)
    paged: list[str] = []
    params = {"q": "parser", "limit": "2"}
    while True:
        answer = await house.call("GET", "/api/v5/search", token, params=params)
        paged += [hit["id"] for hit in answer.content["items"]]
        if answer.content["next_cursor"] is None:
            break
        params["cursor"] = answer.content["next_cursor"]
    assert paged == [hit["id"] for hit in hits]
    assert {hit["kind"] for hit in await found(house, token, q="parser", kind="conversations")} == {"conversations"}


@pytest.mark.parametrize(
    "word", ["caf\u00e9s", "\ud55c\uae00", "\u304c\u304e", "x\u0301y", "\u0939\u093f\u0928\u094d\u0926\u0940"]
)
async def test_a_word_is_found_however_its_accents_and_vowels_are_spelled(house: House, word: str) -> None:
    token = (await house.pair())["access_token"]
    spelled = [unicodedata.normalize(form, word) for form in ("NFC", "NFD")]
    talks = {await talk(house, token, f"un {each} noir", each) for each in spelled}
    await talk(house, token, "another", "x and y, \u0939 and \u0928 and \u0926")
    for each in spelled:
        hits = await found(house, token, q=each)
        assert ({hit["place_id"] for hit in hits}, len(hits)) == (talks, 4)


@pytest.mark.parametrize(
    ("text", "words", "snippet"),
    [
        ("私は東京に住む", "東京", "私は«東京»に住む"),
        ("私は東京に住む", "住", "私は東京に«住»む"),
        ("私は東京に住む", "京東", None),
        ("東と京", "東京", None),
        ("日本語とPython入門", "python入", "日本語と«Python入»門"),
        ("日本語とPython入門", "日本語 Pyth", "«日本語»と«Python»入門"),
        ("我們在北京大學", "北京 大學", "我們在«北京»«大學»"),
        ("สวัสดีชาวโลก", "ชาว", "สวัสดี«ชาว»โลก"),
        ("カタカナのテスト", "ｶﾅ", None),
    ],
)
async def test_words_of_scripts_without_spaces_are_found_wherever_they_stand(
    house: House, text: str, words: str, snippet: str | None
) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, "other", text)
    await talk(house, token, text)
    hits = await found(house, token, q=words)
    assert sorted(hit["snippet"] for hit in hits) == ([] if snippet is None else [snippet] * 2)
    assert {hit["title"] for hit in hits} == (set() if snippet is None else {"", text})


async def test_the_last_page_that_can_be_asked_for_has_no_next(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await house.pair())["access_token"]
    for _ in range(6):
        await talk(house, token, "walnut")
    monkeypatch.setattr(limits, "search_offset_max", 3)
    cursors: list[str] = []
    for cursor in ("0", "2", "3"):
        answer = await house.call(
            "GET", "/api/v5/search", token, params={"q": "walnut", "limit": "2", "cursor": cursor}
        )
        cursors.append(answer.content["next_cursor"])
    assert cursors == ["2", None, None]


async def test_nobody_finds_what_they_may_not_read(house: House) -> None:
    tenant = await house.tenant("acme")
    own = (await house.person(tenant, "developer", "own")).access_token
    other = (await house.person(tenant, "developer", "other")).access_token
    manager = (await house.person(tenant, "manager")).access_token
    foreign = (await house.person(await house.tenant("elsewhere"), "admin")).access_token
    await talk(house, own, "secret plan", "secret words")
    assert len(await found(house, own, q="secret")) == len(await found(house, manager, q="secret")) == 2
    assert await found(house, other, q="secret") == await found(house, foreign, q="secret") == []


async def test_the_messages_of_a_conversation_that_is_given_away_are_found_by_its_new_owner_alone(house: House) -> None:
    tenant = await house.tenant("acme")
    admin = (await house.person(tenant, "admin")).access_token
    giver, taker = [await house.person(tenant, "developer", name) for name in ("giver", "taker")]
    identifier = await talk(house, giver.access_token, "plan", "secret words")
    assert len(await found(house, giver.access_token, q="secret")) == 1
    record = (await house.call("GET", f"/api/v5/conversations/{identifier}", admin)).content
    record["user_id"] = taker.user.id
    del record["messages"]
    lines = ({"sidecar_export": 1}, {"kind": "conversations", "record": record})
    sent, headers = "\n".join(map(json.dumps, lines)), {"Content-Type": "application/x-ndjson"}
    answer = await house.call("POST", "/api/v5/import?everybody=true", admin, headers, data=sent)
    assert answer.status == 200, answer
    assert await found(house, giver.access_token, q="secret") == []
    assert len(await found(house, taker.access_token, q="secret")) == 1


async def test_an_index_that_is_deleted_damaged_or_behind_is_made_right(house: House, tmp_path: Path) -> None:
    token = (await house.pair())["access_token"]
    await talk(house, token, "walnut")
    assert len(await found(house, token, q="walnut")) == 1
    await house.context.search.rebuild()
    assert len(await found(house, token, q="walnut")) == 1
    for damage in (b"", b"no database at all", b"SQLite format 3\x00" + b"x" * 5_000):
        path = tmp_path / "damaged.sqlite3"
        path.write_bytes(damage)
        IndexFile(path, "epoch", SystemClock()).close()


async def test_an_index_that_is_ahead_of_a_store_that_was_put_back_is_made_right(tmp_path: Path) -> None:
    place = tmp_path / "home" / "data" / "store"

    async def keeps(name: str) -> None:
        async with running_house(tmp_path) as house:
            token = (await house.pair())["access_token"]
            await store(house, token, "sessions", name=name, workspace_path="/x")
            assert len(await found(house, token, q=name)) == 1

    await keeps("walnut")
    shutil.copytree(place, tmp_path / "copy")
    await keeps("hazel")
    shutil.rmtree(place)
    shutil.move(tmp_path / "copy", place)

    async with running_house(tmp_path) as house:
        token = (await house.pair())["access_token"]
        assert await found(house, token, q="hazel") == []
        assert len(await found(house, token, q="walnut")) == 1
        await store(house, token, "sessions", name="almond", workspace_path="/x")
        assert len(await found(house, token, q="almond")) == 1


async def test_what_was_deleted_while_a_first_index_lay_unfinished_is_not_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await house.pair())["access_token"]
    sessions = [await store(house, token, "sessions", name=f"walnut {n}", workspace_path="/x") for n in range(6)]
    monkeypatch.setattr(limits, "search_page_ids_max", 2)
    write = IndexFile.write
    writes = 0

    def full_at_the_third(file: IndexFile, *given: Any) -> None:
        nonlocal writes
        writes += 1
        if writes == 3:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        write(file, *given)

    monkeypatch.setattr(IndexFile, "write", full_at_the_third)
    answer = await house.call("GET", "/api/v5/search", token, params={"q": "walnut"})
    assert (answer.status, writes) == (503, 3)
    await house.call("DELETE", f"/api/v5/sessions/{sessions[0]}", token)
    assert {hit["id"] for hit in await found(house, token, q="walnut")} == set(sessions[1:])


async def test_a_record_that_can_not_be_read_is_not_found_and_keeps_nobody_from_finding_others(house: House) -> None:
    login = await house.pair()
    token = login["access_token"]
    damaged = [await store(house, token, "sessions", name="walnut", workspace_path="/x"), await talk(house, token, "w")]
    kept = await store(house, token, "sessions", name="walnut", workspace_path="/x")
    assert len(await found(house, token, q="walnut")) == 2
    await store(house, token, f"conversations/{damaged[1]}/messages", role="user", content="walnut")
    await house.call("PATCH", f"/api/v5/sessions/{damaged[0]}", token, json={"name": "walnuts"})
    keys = house.context.database.keyspace.tenant(login["tenant"]["id"])
    rows = [WorkspaceSessions(keys).key(damaged[0]), Conversations(keys).key(damaged[1])]

    def damage(tr: Writing) -> None:
        for row in rows:
            tr.kv.set(row, b"\x01{}")

    await house.context.database.transact(damage)
    assert [hit["id"] for hit in await found(house, token, q="walnut")] == [kept]
    await house.context.search.rebuild()
    assert [hit["id"] for hit in await found(house, token, q="walnut")] == [kept]


async def test_a_deleted_tenant_is_forgotten(house: House, tmp_path: Path) -> None:
    database = house.context.database
    gone, other = [database.keyspace.tenant((await house.tenant(name)).id) for name in ("gone", "other")]
    path, now_ms = tmp_path / "own.sqlite3", database.clock.now_ms()

    async def hits(tenant: TenantKeys) -> int:
        search = Search(database, path)
        found = await search.find(tenant, Wanted(gone.tenant_id, ("walnut",), None, None), limit=9, offset=0)
        await search.close()
        return len(found)

    session = WorkspaceSession.new(
        tenant_id=gone.tenant_id, user_id=new_id(now_ms), name="walnut", workspace_path="/x", now_ms=now_ms
    )
    await SessionService(database).create(gone, session)
    assert await hits(gone) == 1
    await Cascades(database).delete_tenant(gone)
    assert await hits(other) == 0


async def test_all_of_many_changes_among_many_of_other_kinds_is_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await house.tenant("acme")
    manager = (await house.person(tenant, "manager")).access_token
    assert await found(house, manager, q="secret") == []  # from now on it follows the changes
    monkeypatch.setattr(limits, "search_batch_chars_max", 20)
    people = [await house.person(tenant, "developer", f"dev{number}") for number in range(5)]
    stored = [await house.belongings(each) for each in people]
    hits = await found(house, manager, q="secret", limit="100")
    assert {(hit["kind"], hit["id"]) for hit in hits} == {(kind, ids[kind]) for ids in stored for kind in KINDS}


def test_an_index_of_another_store_is_not_used(tmp_path: Path) -> None:
    entry = Entry("sessions", "i", "o", "p", "walnut", "")
    wanted = Wanted("t", terms_of("walnut"), None, None)
    first = IndexFile(tmp_path / "index", "one", SystemClock())
    first.write("t", [entry], [], b"stamp")
    first.close()
    again = IndexFile(tmp_path / "index", "one", SystemClock())
    assert (again.stamp("t"), len(again.find(wanted, limit=9, offset=0))) == (b"stamp", 1)
    again.close()
    other = IndexFile(tmp_path / "index", "two", SystemClock())
    assert (other.stamp("t"), other.find(wanted, limit=9, offset=0)) == (None, [])
    other.close()


@given(
    words=st.text(max_size=40) | st.sampled_from(['"', "a AND", "NEAR(", "x*", "title:a", "-a", "^a", "(", 'a" OR "b'])
)
def test_no_words_are_ever_an_error(words: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    terms = terms_of(words)
    if terms:
        file = IndexFile(tmp_path_factory.getbasetemp() / "words.sqlite3", "epoch", SystemClock())
        file.find(Wanted("t", terms, None, None), limit=1, offset=0)
        file.close()
