"""What every record shares: strictness, identity, times, version.

Used by every room above; knows only limits and ids.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from sidecar import ids, limits
from sidecar.errors import InvalidError

Id = Annotated[str, StringConstraints(pattern=ids.ID_PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=limits.name_chars_max)]


def _path_fits(path: str) -> str:
    size = len(path.encode("utf-8", "surrogateescape"))
    if size > limits.path_bytes_max:
        raise ValueError(f"a path may have {limits.path_bytes_max} bytes, this one has {size}")
    return path


Path = Annotated[str, StringConstraints(min_length=1), AfterValidator(_path_fits)]


def timestamp(now_ms: int) -> datetime:
    """Return the UTC time of so many milliseconds since 1970."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).replace(microsecond=now_ms % 1000 * 1000)


class Value(BaseModel):
    """A part of a record, or a value on its own: immutable, and strict about what it knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def to_json(self) -> bytes:
        """Return the JSON text that is stored and served."""
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
    created_at: AwareDatetime
    updated_at: AwareDatetime
    version: Annotated[int, Field(ge=1)] = 1
