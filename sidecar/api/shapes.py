"""What a row of the table of routes is, and what goes in and comes out of it."""

from typing import Any, NamedTuple

from sidecar.api.context import Handler, Policy
from sidecar.models.base import Value


class Shape(NamedTuple):
    """What goes in and comes out, for the OpenAPI document.

    Attributes:
        body: What the request's JSON is.
        query: Its query parameters.
        answer: What comes back: a model, a list (a page) of one, or the media type of another kind of content.
        statuses: Of the answers that are no problems.
        tagged: The answer carries an ETag, and If-Match is honoured.
        patch: The body is a merge patch of ``body``.
        lines: The body is JSON Lines, read as a stream.
    """

    body: type[Value] | None = None
    query: type[Value] | None = None
    answer: Any = None
    statuses: tuple[int, ...] = (200,)
    tagged: bool = False
    patch: bool = False
    lines: bool = False


class Route(NamedTuple):
    """One row of the table."""

    method: str
    path: str
    handler: Handler
    policy: Policy
    shape: Shape = Shape()
