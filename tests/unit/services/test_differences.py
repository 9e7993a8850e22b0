"""What has changed from one tree of JSON values to another."""

from typing import Any

import pytest

from sidecar.services.differences import compare


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"zoom": 1, "wrap": True, "x": 0}, {"zoom": True, "wrap": 1, "x": False}, ["zoom", "wrap", "x"]),
        ({"a": [1, {"b": [1]}]}, {"a": [1, {"b": [True]}]}, ["a/1/b/0"]),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1.0}, []),
        ({"a": None}, {"a": False}, ["a"]),
        ({"a": None}, {}, ["a"]),
        ({"a": "1"}, {"a": 1}, ["a"]),
        ({"a": []}, {"a": {}}, ["a"]),
    ],
)
def test_values_are_the_same_when_their_json_means_the_same(
    before: dict[str, Any], after: dict[str, Any], changes: list[str]
) -> None:
    assert [each.place for each in compare("", before, after)] == changes
