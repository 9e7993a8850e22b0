"""A change: what the feed says of one mutation of one record. The change row is the event."""

from typing import Any, Literal

from pydantic import Field

from sidecar.models.base import Id, Value

ChangeOp = Literal["created", "updated", "deleted"]


class Change(Value):
    """One record's step from one version to the next.

    Attributes:
        kind: The plural noun of the record, which is also the topic to subscribe to: ``files``, ``workspaces``, …
        id: Of the record.
        op: What happened.
        version: The record's version after it (of a deleted one: the last it had).
        hint: A few of the record's fields, so that most listeners need not fetch it.
    """

    kind: str
    id: Id
    op: ChangeOp
    version: int
    hint: dict[str, Any] = Field(default_factory=dict)
