"""Whether an answer may be compressed is read as RFC 9110 says."""

import pytest

from sidecar.api.preferences import takes_gzip


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0, identity", False),
        ("gzip ; q=0.000", False),
        ("gzip;q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip, *;q=0", True),
        ("identity", False),
        ("gzipped", False),
        ("deflate, br", False),
        (";q=0,,", False),
    ],
)
def test_gzip_is_taken_by_name_or_by_a_star_unless_its_weight_is_nothing(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes
