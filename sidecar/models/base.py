"""What every record shares: strictness, identity, times, version, and bounded JSON.

Used by every room above; knows only limits and ids.
"""

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    Strict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from sidecar import ids, limits
from sidecar.errors import InvalidError

Id = Annotated[str, StringConstraints(pattern=ids.ID_PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=limits.name_chars_max)]
Text = Annotated[str, StringConstraints(max_length=limits.text_chars_max)]
LongText = Annotated[str, StringConstraints(max_length=limits.long_text_chars_max)]
Content = Annotated[str, StringConstraints(max_length=limits.content_chars_max)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=limits.tag_chars_max)]
Flag = Annotated[bool, Strict()]
Number = Annotated[int, Strict()]
Count = Annotated[int, Strict(), Field(ge=0)]


_CHAR_BYTES_MAX = 4  # of UTF-8


def _path_fits(path: str) -> str:
    if len(path) * _CHAR_BYTES_MAX <= limits.path_bytes_max:  # as most are
        return path
    size = len(path.encode("utf-8", "surrogateescape"))
    if size > limits.path_bytes_max:
        raise ValueError(f"a path may have {limits.path_bytes_max} bytes, this one has {size}")
    return path


Path = Annotated[str, StringConstraints(min_length=1), AfterValidator(_path_fits)]


def _without_repeats(items: list[str]) -> list[str]:
    return list(dict.fromkeys(items))


Tags = Annotated[list[Tag], Field(max_length=limits.tags_max), AfterValidator(_without_repeats)]
Related = Annotated[list[Id], Field(max_length=limits.related_max), AfterValidator(_without_repeats)]


def tree_fits(tree: object) -> object:
    """Return a tree of JSON values as it is; raises as ``_count_nodes``."""
    _count_nodes(tree)
    return tree


def _count_nodes(tree: object) -> int:
    """Return how many values a tree of JSON values has.

    Raises:
        ValueError: It is deeper, or has more values, than ``limits`` allow; or a string or number no store can keep.
    """
    level: list[object] = [tree]
    nodes = 0
    for _ in range(limits.tree_depth_max + 1):
        nodes += len(level)
        if nodes > limits.tree_nodes_max:
            raise ValueError(f"a value may hold {limits.tree_nodes_max} values, this one holds more")
        below: list[object] = []
        for each in level:
            kind = type(each)
            if kind is str:  # as most are
                continue
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, (list, tuple)):
                below += each
            elif kind is float and not math.isfinite(each):  # type: ignore[arg-type] # `kind` says so
                raise ValueError("a number has to be finite")
        if not below:
            return nodes
        level = below
    raise ValueError(f"a value may be nested {limits.tree_depth_max} deep, this one is deeper")


Json = Annotated[JsonValue, AfterValidator(tree_fits)]
JsonObject = Annotated[dict[str, JsonValue], AfterValidator(tree_fits)]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=limits.timestamps_cached_max)
def timestamp(now_ms: int) -> datetime:
    """Return the UTC time of so many milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=now_ms)


def milliseconds(moment: datetime) -> int:
    """Return the milliseconds since 1970 of a time."""
    return round(moment.timestamp() * 1000)


def _as_stored(moment: datetime) -> datetime:
    finer = moment.microsecond % 1000
    if not finer and not moment.utcoffset():  # as nearly all are
        return moment
    try:
        return moment.astimezone(UTC) - timedelta(microseconds=finer)
    except OverflowError:
        raise ValueError("a time has to lie in the years 1 to 9999 of UTC") from None


# Of any zone and precision; kept in UTC, and no finer than milliseconds.
Time = Annotated[AwareDatetime, AfterValidator(_as_stored)]


class Value(BaseModel):
    """A part of a record, or a value on its own: immutable, and strict about what it knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def to_json(self) -> bytes:
        """Return the JSON text that is served."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def checked(cls, **fields: Any) -> Self:  # noqa: ANN401 - the point is to check values of any kind
        """Build from untrusted values.

        Raises:
            InvalidError: One sentence that names the first field that is wrong and why; all of them in ``details``.
        """
        try:
            return cls(**fields)
        except ValidationError as error:
            raise invalid(cls.__name__, error) from None


class State(Value):
    """A part of what an IDE tells of itself: checked where we know it, and kept as it came where we do not."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)


class StateRoot(State):
    """A whole state object: bounded in depth and size, known fields or not, and those that are left out too.

    What is stored and served has all of them, and has to be taken again.
    """

    @model_validator(mode="wrap")
    @classmethod
    def _bounded(cls, tree: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        nodes = _count_nodes(tree)
        state = handler(tree)
        if nodes > limits.tree_sparse_nodes_max:
            tree_fits(state.model_dump())
        return state


def invalid(what: str, error: ValidationError) -> InvalidError:
    """Turn pydantic's report on ``what`` into our error, without echoing the values that were given."""
    problems = [
        {"field": ".".join(map(str, each["loc"])), "problem": each["msg"]} for each in error.errors(include_url=False)
    ]
    first = problems[0]
    return InvalidError(f"{what}: {first['field'] or 'the whole'}: {first['problem']}.", details={"problems": problems})


class Record(Value):
    """A value that is stored under its own key.

    Attributes:
        id: UUIDv7.
        tenant_id: Whose it is.
        created_at: UTC, milliseconds.
        updated_at: UTC, milliseconds.
        version: 1, 2, …; the ETag.
    """

    id: Id
    tenant_id: Id
    created_at: Time
    updated_at: Time
    version: Annotated[int, Field(ge=1, le=limits.version_max)] = 1

    def stored_json(self) -> bytes:
        """Return the JSON text that is stored: all of it, also what is not served."""
        return self.to_json()

    @classmethod
    def made(cls, *, tenant_id: str, now_ms: int, id: str | None = None, **fields: Any) -> Self:  # noqa: A002, ANN401 - the record's own name of it; checked as values of any kind
        """Build a record that is not stored yet, with the given id or a new one.

        Raises:
            InvalidError: A field is not what the model allows.
        """
        now = timestamp(now_ms)
        own = id or ids.new_id(now_ms)
        return cls.checked(id=own, tenant_id=tenant_id, created_at=now, updated_at=now, **fields)
