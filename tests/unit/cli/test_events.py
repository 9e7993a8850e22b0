"""What ``sidecar events`` prints of a message."""

import json
from typing import Any

import pytest

from sidecar.cli.events import _write


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"type": "changes", "cursor": "c", "changes": []}, ""),
        ({"type": "reset", "cursor": "c"}, "reset: changes in between are no longer kept; list everything anew\n"),
        (
            {"type": "changes", "cursor": "c", "changes": [{"op": "created", "kind": "agents", "id": "i", "hint": {}}]},
            "created  agents       i\n",
        ),
    ],
)
def test_a_newer_cursor_alone_is_for_programs(
    message: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(message, as_json=False)
    assert capsys.readouterr().out == line
    _write(message, as_json=True)
    assert json.loads(capsys.readouterr().out) == message
