"""What has changed between two states of a session, for a person to read and for a program to use.

Lists of tabs, terminals and breakpoints are compared by what their items show, not by their places, so that a tab that
moved is no removal and addition.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json, to_json

from sidecar import limits
from sidecar.models.base import Id, Json, Value
from sidecar.models.snapshots import SNAPSHOT_PARTS
from sidecar.repositories import parts
from sidecar.repositories.keys import TenantKeys
from sidecar.repositories.snapshots import Snapshots
from sidecar.repositories.transactions import Reading
from sidecar.repositories.workspace_sessions import WorkspaceSessions

_NAMES = ("path", "uri", "function_name", "name")  # what tells items of a list apart, the first that they have
_MISSING = object()


class Difference(Value):
    """One change.

    Attributes:
        place: Where in the state: ``editor_state/groups/0/tabs/src/main.py/dirty``; long names are cut.
        op: What happened there.
        before: What was there; long texts are cut.
        after: What is there now; the same.
    """

    place: str
    op: Literal["added", "removed", "changed"]
    before: Json = None
    after: Json = None


class Differences(Value):
    """All changes from one state to another; ``text`` tells them line by line; ``is_cut``: there are more."""

    from_id: Id
    to_id: Id | None
    changes: list[Difference]
    text: str
    is_cut: bool


class _Change(NamedTuple):
    place: str
    before: object
    after: object


def between_snapshots(tr: Reading, tenant: TenantKeys, session_id: str, ids: tuple[str, str | None]) -> Differences:
    """Return what has changed from a snapshot to another of the same session, or to the session as it is.

    Raises:
        NotFoundError: The session has no such snapshot.
    """
    before, after = (_state(tr, tenant, session_id, each) for each in ids)
    found: list[Difference] = []
    place_chars = 0
    changes = compare("", before, after)
    for change in changes:
        found.append(_difference(change))
        place_chars += len(change.place)
        if len(found) == limits.differences_max or place_chars >= limits.difference_places_chars_max:
            break
    is_cut = next(changes, None) is not None
    text = "\n".join(_line(each) for each in found)
    return Differences(from_id=ids[0], to_id=ids[1], changes=found, text=text, is_cut=is_cut)


def compare(place: str, before: object, after: object) -> Iterator[_Change]:
    """Yield the changes from one tree of JSON values to another, in the order of the trees."""
    if before == after and to_json(before) == to_json(after):  # for Python alone 1 is true, anywhere inside
        return
    if isinstance(before, list) and isinstance(after, list):
        before, after = _by_name(before), _by_name(after)
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        if before != after or isinstance(before, bool) != isinstance(after, bool):  # 1 and 1.0 are one number
            yield _Change(place, before, after)
        return
    for name in dict.fromkeys((*before, *after)):
        below = f"{place}/{_cut(name)}" if place else _cut(name)  # it stands in each place below
        yield from compare(below, before.get(name, _MISSING), after.get(name, _MISSING))


def _state(tr: Reading, tenant: TenantKeys, session_id: str, snapshot_id: str | None) -> dict[str, Any]:
    sessions, snapshots = WorkspaceSessions(tenant), Snapshots(tenant)
    if snapshot_id is None:
        named = sessions.get(tr, session_id).parts
    else:
        snapshot = snapshots.get(tr, snapshot_id)
        if snapshot.workspace_session_id != session_id:
            raise snapshots.missing(snapshot_id)
        named = snapshot.parts
    fields = {parts.FIELDS[name] for name in SNAPSHOT_PARTS}
    return {field: from_json(text) for field, text in parts.json_of(tr, sessions.blobs, named, fields)}


def _by_name(items: list[Any]) -> dict[str, Any]:
    """Return the items of a list by what they show; one of a name that came before, or of none, by its place."""
    named: dict[str, Any] = {}
    for at, item in enumerate(items):
        name = _name(item, at)
        named[name if name not in named else f"{name}#{at}"] = item
    return named


def _name(item: object, at: int) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return str(at)
    name = next((str(item[each]) for each in _NAMES if item.get(each)), str(at))
    return f"{name}:{item['line']}" if item.get("line") else name


def _difference(change: _Change) -> Difference:
    place, before, after = change
    if before is _MISSING:
        return Difference(place=place, op="added", after=_cut(after))
    if after is _MISSING:
        return Difference(place=place, op="removed", before=_cut(before))
    return Difference(place=place, op="changed", before=_cut(before), after=_cut(after))


def _cut(value: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str) and len(value) > limits.difference_chars_max:
        return value[: limits.difference_chars_max] + "…"
    if isinstance(value, list):
        return [_cut(each) for each in value]
    return {_cut(name): _cut(each) for name, each in value.items()} if isinstance(value, dict) else value


def _line(change: Difference) -> str:
    if change.op == "changed":
        return f"~ {change.place}: {_shown(change.before)} → {_shown(change.after)}"
    return f"{'+' if change.op == 'added' else '-'} {change.place}"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limits.difference_line_chars_max else text[: limits.difference_line_chars_max] + "…"
