"""The AsyncAPI 3 document of the push channel, made from the models that it speaks."""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from sidecar import __version__
from sidecar.api.answers import ChangesMessage, ProgressMessage, ResetMessage, SubscribedMessage
from sidecar.api.events import AuthMessage, CloseCode, SubscribeMessage
from sidecar.models.base import Value

_FROM_CLIENT = (AuthMessage, SubscribeMessage)
_FROM_DAEMON = (SubscribedMessage, ChangesMessage, ResetMessage, ProgressMessage)
_CLOSINGS = {
    CloseCode.GOING_AWAY: "The daemon is stopping, or the client has gone; resume from the last cursor.",
    CloseCode.INTERNAL: "Something went wrong inside the daemon; resume from the last cursor.",
    CloseCode.TRY_AGAIN_LATER: "The store can't be read at present; resume from the last cursor in a moment.",
    CloseCode.BAD_MESSAGE: "A message that is none of this document.",
    CloseCode.UNAUTHENTICATED: "No token, or it has expired, or its login has ended.",
    CloseCode.AUTH_TIMEOUT: "No token was shown in time.",
    CloseCode.TOO_SLOW: "Nothing was read for too long; resume from the last cursor.",
}
_DESCRIPTION = """A client shows its access token in the Authorization header of the upgrade, or in its first message
within five seconds, then subscribes. Changes come in the order of their commits, none lost and none twice; from any
cursor it can be gone on, also after a restart. Where that is impossible there is a reset: read everything anew, then go
on from its cursor. While nothing of what changes is wanted, a message without changes brings a newer cursor now and
then. A further auth message renews the token; a further subscribe message replaces the subscription."""


def document() -> dict[str, Any]:
    """Return the document."""
    models: tuple[tuple[type[Value], JsonSchemaMode], ...] = (
        *((each, "validation") for each in _FROM_CLIENT),
        *((each, "serialization") for each in _FROM_DAEMON),
    )
    generator = GenerateJsonSchema(ref_template="#/components/schemas/{model}")
    inputs = [(model, mode, TypeAdapter(model).core_schema) for model, mode in models]
    found, definitions = generator.generate_definitions(inputs)
    names = [model.__name__ for model, _ in models]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Sidecar's push channel", "version": __version__, "description": _DESCRIPTION},
        "channels": {
            "events": {
                "address": "/api/v5/events",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
                "x-close-codes": {str(code.value): text for code, text in _CLOSINGS.items()},
            }
        },
        "operations": {
            "hear": _operation("send", _FROM_DAEMON),
            "ask": _operation("receive", _FROM_CLIENT),
        },
        "components": {
            "messages": {model.__name__: {"payload": found[model, mode]} for model, mode in models},
            "schemas": definitions,
        },
    }


def _operation(action: str, models: tuple[type[Value], ...]) -> dict[str, Any]:
    """Return an operation, as the daemon sees it."""
    messages = [{"$ref": f"#/channels/events/messages/{model.__name__}"} for model in models]
    return {"action": action, "channel": {"$ref": "#/channels/events"}, "messages": messages}
