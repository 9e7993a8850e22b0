"""Models: secrets do not leave, violations are one sentence, unknown state is kept, bounds hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import limits
from sidecar.errors import InvalidError
from sidecar.models.auth_sessions import AuthSession, PublicAuthSession
from sidecar.models.base import milliseconds, timestamp, tree_fits
from sidecar.models.editing import EditorState
from sidecar.models.messages import Message
from sidecar.models.settings import Setting
from sidecar.models.tenants import Tenant
from sidecar.models.users import PublicUser, User
from sidecar.models.workspace_sessions import WorkspaceSession

NOW_MS = 1_800_000_000_123
ID = "01890000-0000-7000-8000-000000000001"
OTHER = "01890000-0000-7000-8000-000000000002"
CANARY = "ca" * 32
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def secretive() -> list[User | AuthSession]:
    return [
        User.new(tenant_id=ID, email="a@b.c", now_ms=NOW_MS, password_hash=CANARY),
        AuthSession.new(tenant_id=ID, user_id=ID, refresh_token_hash=CANARY, now_ms=NOW_MS),
    ]


@pytest.mark.parametrize("record", secretive(), ids=lambda record: type(record).__name__)
def test_a_hash_leaves_by_no_way_of_serialising_but_the_stores(record: User | AuthSession) -> None:
    public = record.public()
    shown = [record.to_json().decode(), record.model_dump_json(), str(record.model_dump()), repr(record), str(record)]
    shown += [public.to_json().decode(), repr(public), json.dumps({"nested": record.model_dump(mode="json")})]
    assert not [each for each in shown if CANARY in each]
    assert type(public) in (PublicUser, PublicAuthSession)
    assert type(record).model_validate_json(record.stored_json()) == record
    assert CANARY in record.stored_json().decode()


def test_a_violation_is_one_sentence_that_names_the_field_and_not_the_value() -> None:
    with pytest.raises(InvalidError) as caught:
        User.new(tenant_id=ID, email="a secret that is no address", now_ms=NOW_MS)
    assert caught.value.message.startswith("User: email: ")
    assert "a secret" not in caught.value.message + json.dumps(caught.value.details)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Tenant, {"is_active": "yes"}),
        (Tenant, {"settings": {"features": {"x": 1}}}),
        (Tenant, {"plan": "gold"}),
        (Tenant, {"surprise": 1}),
        (Tenant, {"name": "x" * (limits.name_chars_max + 1)}),
    ],
)
def test_what_we_define_is_strict(model: type[Tenant], fields: dict[str, object]) -> None:
    sound = model.new_organization(name="n", owner_user_id=ID, now_ms=NOW_MS)
    with pytest.raises(InvalidError):
        model.checked(**{**dict(sound), **fields})


def test_unknown_fields_of_state_are_kept_at_every_level() -> None:
    state = {"zoom": 1.5, "groups": [{"their": [1], "tabs": [{"path": "a", "mine": {"x": None}}]}], "layout": {"l": []}}
    kept = json.loads(EditorState.model_validate(state).to_json())
    assert kept["zoom"] == 1.5
    assert kept["groups"][0]["their"] == [1]
    assert kept["groups"][0]["tabs"][0]["mine"] == {"x": None}


@given(JSON)
def test_a_setting_holds_any_json_and_gives_it_back(value: object) -> None:
    setting = Setting.new(tenant_id=ID, user_id=ID, category="c", key="k", value=value, now_ms=NOW_MS)
    assert json.loads(setting.to_json())["value"] == value
    assert Setting.model_validate_json(setting.stored_json()) == setting


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": [float("-inf")]}, {"x": object()}, b"bytes"])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(InvalidError):
        Setting.new(tenant_id=ID, user_id=ID, category="c", key="k", value=value, now_ms=NOW_MS)


def test_trees_are_bounded_in_depth_and_size() -> None:
    deep: object = 0
    for _ in range(limits.tree_depth_max):
        deep = [deep]
    assert tree_fits(deep) is deep
    with pytest.raises(ValueError, match="deeper"):
        tree_fits([deep])
    wide = [0] * (limits.tree_nodes_max - 1)
    assert tree_fits(wide) is wide
    with pytest.raises(ValueError, match="more"):
        tree_fits([*wide, 0])


@pytest.mark.parametrize(
    ("category", "key"), [("Editor", "k"), ("", "k"), ("a/b", "k"), ("c", ""), ("c", "ä"), ("c", "x" * 121)]
)
def test_names_of_settings_fit_into_keys_and_urls(category: str, key: str) -> None:
    with pytest.raises(InvalidError):
        Setting.new(tenant_id=ID, user_id=ID, category=category, key=key, value=1, now_ms=NOW_MS)


def test_a_fork_is_a_new_record_with_the_same_state() -> None:
    parent = WorkspaceSession.new(
        tenant_id=ID, user_id=ID, name="p", workspace_path="/w", now_ms=NOW_MS, tags=["a", "a", "b"], active_files=["x"]
    )
    child = parent.fork(now_ms=NOW_MS + 5, user_id=OTHER)
    assert parent.tags == ["a", "b"]
    assert child.id != parent.id
    assert (child.parent_session_id, child.user_id, child.version, child.name) == (parent.id, OTHER, 1, "p")
    assert child.editor_state is parent.editor_state
    assert (child.active_files, milliseconds(child.created_at)) == (["x"], NOW_MS + 5)


def test_rotation_ends_a_link_and_names_the_next() -> None:
    first = AuthSession.new(tenant_id=ID, user_id=ID, refresh_token_hash=CANARY, now_ms=NOW_MS, user_agent="ua")
    ended, following = first.rotate(refresh_token_hash="00" * 32, now_ms=NOW_MS + 1)
    assert (ended.replaced_by, ended.revoked_at) == (following.id, timestamp(NOW_MS + 1))
    assert (following.token_family, following.user_agent, following.revoked_at) == (first.token_family, "ua", None)


def test_a_message_over_its_limit_is_refused_and_one_at_it_is_not() -> None:
    def message(chars: int) -> Message:
        text = "x" * chars
        return Message.new(tenant_id=ID, conversation_id=ID, role="user", content=text, now_ms=NOW_MS)

    assert len(message(limits.content_chars_max).content) == limits.content_chars_max
    with pytest.raises(InvalidError, match="content"):
        message(limits.content_chars_max + 1)


@given(st.integers(0, 2**42))
def test_milliseconds_are_exact_both_ways(now_ms: int) -> None:
    assert milliseconds(timestamp(now_ms)) == now_ms


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-25T10:00:00.123456+05:00", "2026-11-25T05:00:00.123000Z"),
        ("2026-11-25T10:00:00.123Z", "2026-11-25T10:00:00.123000Z"),
        ("2026-11-25T10:00:00-12:00", "2026-11-25T22:00:00Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("2026-11-25T10:00:00", None),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999000Z"),
    ],
)
def test_a_time_is_kept_in_utc_and_no_finer_than_milliseconds(sent: str, kept: str | None) -> None:
    record = json.loads(Tenant.new_self_tenant(name="x", owner_user_id=ID, now_ms=NOW_MS).to_json())
    if kept is None:
        with pytest.raises(InvalidError):
            Tenant.checked(**record | {"created_at": sent})
    else:
        made = Tenant.checked(**record | {"created_at": sent})
        assert json.loads(made.to_json())["created_at"] == kept
        assert timestamp(milliseconds(made.created_at)) == made.created_at


@pytest.mark.parametrize("version", [0, limits.version_max + 1, 10**30])
def test_a_version_is_one_that_an_etag_can_name(version: int) -> None:
    record = json.loads(Tenant.new_self_tenant(name="x", owner_user_id=ID, now_ms=NOW_MS).to_json())
    with pytest.raises(InvalidError):
        Tenant.checked(**record | {"version": version})
