import re

import pytest

from sidecar.metrics import MEASURES, Metrics, Sample


def test_counters_are_told_by_their_labels_and_stand_at_zero_before_the_first() -> None:
    metrics = Metrics()
    assert "\nsidecar_commits_total 0\n" in metrics.render()
    metrics.count("requests_total", (("method", "GET"), ("route", 'a"b\\')))
    metrics.count("requests_total", (("method", "GET"), ("route", 'a"b\\')), amount=2)
    assert 'sidecar_requests_total{method="GET",route="a\\"b\\\\"} 3\n' in metrics.render()
    assert metrics.value("requests_total") == 3


def test_a_histogram_counts_what_lies_below_each_bound() -> None:
    metrics = Metrics()
    for seconds in (0.001, 0.02, 0.02, 99.0):
        metrics.observe("commit_seconds", seconds)
    text = metrics.render()
    for bound, count in (("0.001", 1), ("0.01", 1), ("0.025", 3), ("10", 3), ("+Inf", 4)):
        assert f'sidecar_commit_seconds_bucket{{le="{bound}"}} {count}\n' in text
    assert "sidecar_commit_seconds_sum 99.041\nsidecar_commit_seconds_count 4\n" in text
    assert metrics.last_ms("commit_seconds") == 99_000
    assert metrics.last_ms("feed_lag_seconds") is None


def test_gauges_move_and_are_looked_up_when_somebody_reads() -> None:
    metrics = Metrics()
    metrics.move("feed_subscribers", +2)
    metrics.move("feed_subscribers", -1)
    now = [1.5]
    metrics.collect(lambda: [Sample("scan_seconds", now[0])])
    now[0] = 2.25
    assert "sidecar_feed_subscribers 1\n" in metrics.render()
    assert "sidecar_scan_seconds 2.25\n" in metrics.render()


def test_a_measure_that_is_not_declared_is_a_fault() -> None:
    with pytest.raises(KeyError):
        Metrics().count("something")
    with pytest.raises(AssertionError):
        Metrics().count("tasks")


def test_names_follow_the_rules_of_prometheus() -> None:
    for name, measure in MEASURES.items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert name.endswith("_total") == (measure.kind == "counter"), name
        assert measure.meaning.endswith(".")
