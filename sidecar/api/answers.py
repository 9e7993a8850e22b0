"""Shapes of answers that are no record as it is stored: for the OpenAPI document, which tests compare with answers."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.models.base import Id, Name, Record, Value
from sidecar.models.changes import Change
from sidecar.models.conversations import Conversation
from sidecar.models.messages import Message
from sidecar.models.snapshots import Reason
from sidecar.models.workspaces import Workspace, WorkspaceProgress


class Problem(Value):
    """A problem document, RFC 9457; ``code`` is stable, ``detail`` is one sentence for a person."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    details: dict[str, Any] = Field(default_factory=dict)


class Status(Value):
    """How the daemon is."""

    status: Literal["alive", "ready", "stopping"]


class Version(Value):
    """The program's version and the API's."""

    version: str
    api: int


class Hello(Value):
    """The proof that the daemon holds the pairing key: an HMAC of the nonce.

    Attributes:
        port_proof: The same of nonce and port: a proof that was asked of the daemon on another port is none here.
    """

    proof: str
    port_proof: str
    version: str
    instance: str


class Ticket(Value):
    """A link that opens a browser's login once, within so many seconds."""

    url: str
    expires_in: int


class Keys(Value):
    """The key that signs now, and how many are still accepted."""

    key_id: str
    keys: int


class ShownSnapshot(Record):
    """A snapshot; what it holds is seen by comparing or restoring it."""

    workspace_session_id: Id
    reason: Reason
    label: Name | None = None


class MessagesPage(Value):
    """A page of messages, oldest first."""

    items: list[Message]
    next_cursor: str | None


class WholeConversation(Conversation):
    """A conversation with a page of its messages."""

    messages: MessagesPage


class WatchedWorkspace(Workspace):
    """A watched folder with the progress of its index."""

    progress: WorkspaceProgress


class ChangesMessage(Value):
    """Changes in the order of their commits, and the cursor behind the last; none where only the cursor is newer."""

    type: Literal["changes"]
    cursor: str
    changes: list[Change]


class ResetMessage(Value):
    """What was asked for is no longer kept: read everything anew and go on from the cursor."""

    type: Literal["reset"]
    cursor: str


class SubscribedMessage(Value):
    """The subscription has begun; changes follow from the cursor on."""

    type: Literal["subscribed"]
    cursor: str
    topics: list[str]


class ProgressMessage(WorkspaceProgress):
    """How far the index of a watched folder is; it has no cursor and is not repeated."""

    type: Literal["progress"]
    workspace_id: Id
    workspace_path: str


ChangesAnswer = Annotated[ChangesMessage | ResetMessage, Field(discriminator="type")]
