"""The table of keys is the code: every key that a repository declares, and none that nobody does."""

import uuid
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import sidecar.repositories
from sidecar import limits
from sidecar.repositories import keys
from sidecar.repositories.registry import REPOSITORIES

FOLDER = Path(sidecar.repositories.__file__).parent
TABLE = {row.name: row for row in keys.KEYS}


def test_the_table_has_every_key_once_and_each_pattern_spells_its_name() -> None:
    names = {value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    assert len(TABLE) == len(keys.KEYS)
    assert set(TABLE) == names
    assert all(name in row.pattern.split("/") for name, row in TABLE.items())


def test_every_key_is_declared_by_a_repository_or_used_by_the_module_that_is_said_to_write_it() -> None:
    declared: dict[str, set[str]] = {}
    for repository in REPOSITORIES:
        derived = [each.name for each in repository.indexes] + [each.name for each in repository.counters]
        for name in (repository.primary, *derived):
            declared.setdefault(name, set()).add(repository.__module__.rpartition(".")[2])
    assert set(declared) <= set(TABLE)
    for name, modules in declared.items():
        assert TABLE[name].writer in (*modules, "base")
    constants = {value: name for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    for name in set(TABLE) - set(declared):
        source = (FOLDER / f"{TABLE[name].writer}.py").read_text(encoding="utf-8")
        assert f"keys.{constants[name]}" in source


def test_shared_keys_lie_outside_the_tenants_and_all_others_inside() -> None:
    shared = {index.name for repository in REPOSITORIES for index in repository.indexes if index.shared}
    outside = {name for name, row in TABLE.items() if not row.pattern.startswith("/{tenant}/")}
    assert shared <= outside
    assert {row.pattern.split("/")[1] for row in keys.KEYS if row.name in outside} == outside


def test_the_range_of_all_tenants_holds_every_tenant_and_nothing_shared() -> None:
    space = keys.Keyspace()
    begin, end = space.tenants_range()
    for number in (0, 1, (1 << 128) - 1):
        raw = space.tenant(str(uuid.UUID(int=number))).tenant.raw
        assert begin <= raw < raw + b"\xff" * 20 < end
    assert not any(begin <= space.root[row.name].raw < end for row in keys.KEYS)


@given(st.binary(min_size=1, max_size=600), st.binary(min_size=1, max_size=600))
def test_the_elements_of_paths_are_bounded_and_differ_as_the_paths_do(one: bytes, two: bytes) -> None:
    assert len(keys.path_order(one)) <= limits.key_file_path_bytes_max + 1
    assert (keys.path_order(one) == keys.path_order(two)) == (one == two)
    assert keys.is_whole_path(keys.path_order(one)) == (len(one) <= limits.key_file_path_bytes_max)


def test_the_longest_keys_stay_below_the_bound() -> None:
    longest = {
        keys.FILES_BY_PATH: (b"/" * limits.key_workspace_path_bytes_max, b"x" * limits.key_file_path_bytes_max),
        keys.SESSIONS_BY_TAG: (uuid.UUID(int=0), "🚲" * limits.tag_chars_max, uuid.UUID(int=0)),
        keys.SETTINGS_BY_CATEGORY: (
            "c" * limits.setting_category_chars_max,
            uuid.UUID(int=0),
            "c" * limits.setting_category_chars_max,
            "k" * limits.setting_key_chars_max,
        ),
        keys.USERS_BY_EMAIL: ("e" * limits.email_chars_max,),
        keys.AUDIT_BY_EVENT: ("e" * limits.event_type_chars_max, 1 << 60, uuid.UUID(int=0)),
    }
    tenant = keys.Keyspace().tenant(str(uuid.UUID(int=1)))
    for name, items in longest.items():
        assert len(tenant.space(name).pack(items)) <= limits.key_bytes_max
