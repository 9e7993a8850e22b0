"""JSON Merge Patch (RFC 7396): an object is merged member by member, anything else, an array too, is replaced whole.

``null`` takes a member away: a field of a record then has its default again. To add to or take from a list that others
change at the same time, there are the routes ``…/add`` and ``…/remove``.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web

from sidecar import limits
from sidecar.api.context import CONTEXT
from sidecar.api.requests import checked, if_match, merge_patch
from sidecar.errors import ConflictError, InvalidError, VersionConflictError
from sidecar.models.base import Record, Value
from sidecar.repositories.base import Repository

R = TypeVar("R", bound=Record)
V = TypeVar("V", bound=Value)
T = TypeVar("T")


def merged(target: object, patch: object) -> object:
    """Return ``target`` with ``patch`` applied; neither is changed. The algorithm is RFC 7396's, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def changed_fields(model: type[V], current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a patch of a record changes, checked.

    Args:
        model: What a client may write of the record.
        current: The record as it is served.

    Raises:
        InvalidError: A field is unknown, or not what the model allows.
    """
    unknown = sorted(patch.keys() - model.model_fields.keys())
    if unknown:
        raise InvalidError(f"The body: {unknown[0][:64]}: there is no such field to change.")
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    touched = {name: current[name] for name in (required | patch.keys()) & current.keys()}
    after = checked(model, merged(touched, dict(patch)))
    return {name: getattr(after, name) for name in patch}


async def _unchecked(_fields: Mapping[str, Any]) -> None:
    """Let any fields that the model allows pass."""


Store = Callable[[Mapping[str, Any], int], Awaitable[R]]
"""Stores the fields that a patch changes, if the record still has a version, and returns it as it is then."""


async def patched(
    request: web.Request,
    repository: Repository[R],
    identifier: str,
    model: type[V],
    *,
    check: Callable[[Mapping[str, Any]], Awaitable[None]] = _unchecked,
    store: Store[R] | None = None,
) -> R:
    """Merge the patch that a request brings into a record, and return it as it is then.

    Args:
        identifier: Of a record that the caller may change.
        model: What a client may write of it.
        check: Refuses fields for another reason than their form.
        store: What stores them where more than the repository is asked.
    """
    asked, if_version = await merge_patch(request), if_match(request)
    database = request.app[CONTEXT].database

    async def attempt() -> R:
        current = await database.read(lambda tr: repository.get(tr, identifier))
        fields = changed_fields(model, current.model_dump(mode="json"), asked)
        await check(fields)
        version = current.version if if_version is None else if_version
        if store is not None:
            return await store(fields, version)
        return await database.transact(lambda tr: repository.update(tr, identifier, fields, if_version=version))

    return await until_current(attempt, if_version=if_version)


async def until_current(attempt: Callable[[], Awaitable[T]], *, if_version: int | None) -> T:
    """Return what ``attempt`` gives; it reads, decides and writes only if nobody wrote meanwhile.

    Args:
        if_version: What the client asked for with If-Match; with it nothing is tried twice.

    Raises:
        ConflictError: Others were always faster (code ``busy``).
    """
    for _ in range(limits.patch_attempts_max):
        try:
            return await attempt()
        except VersionConflictError:
            if if_version is not None:
                raise
    raise ConflictError(
        "The record is being changed all the time; try again.", code="busy", details={"retry_after_seconds": 1}
    )
