"""What a row of the table of routes is, and what goes in and comes out of it."""

from typing import Any, NamedTuple

from sidecar.api.context import ROLES, Handler, Policy
from sidecar.models.base import Value

KEYED_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Shape(NamedTuple):
    """What goes in and comes out, for the OpenAPI document.

    Attributes:
        body: What the request's JSON is.
        query: Its query parameters.
        answer: What comes back: a model, a list (a page) of one, or the media type of another kind of content.
        statuses: Of the answers that are no problems.
        tagged: The answer carries an ETag.
        conditional: If-Match is honoured.
        patch: The body is a merge patch of ``body``.
        lines: The body is JSON Lines, read as a stream.
        keyed: An Idempotency-Key is honoured where a known caller writes. Not where doing it twice does the same and
            the answer tells what is so now, nor where the answer is a secret that works once.
    """

    body: type[Value] | None = None
    query: type[Value] | None = None
    answer: Any = None
    statuses: tuple[int, ...] = (200,)
    tagged: bool = False
    conditional: bool = False
    patch: bool = False
    lines: bool = False
    keyed: bool = True


class Route(NamedTuple):
    """One row of the table."""

    method: str
    path: str
    handler: Handler
    policy: Policy
    shape: Shape = Shape()

    @property
    def is_keyed(self) -> bool:
        """Whether a repeat under an Idempotency-Key gets the same answer, and changes nothing again."""
        return self.method in KEYED_METHODS and self.policy in ROLES and self.shape.keyed
