"""What the daemon counts and measures, and how Prometheus reads it (text format 0.0.4).

Every measure is declared here, with its kind and its meaning; whoever measures names it. Labels hold nothing that a
client wrote, so their number is bounded by the code. Knows no room; made by the wiring and handed down.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from sidecar.limits import metrics_buckets_seconds


class Measure(NamedTuple):
    """A declared measure."""

    kind: Literal["counter", "gauge", "histogram"]
    meaning: str


MEASURES: Mapping[str, Measure] = {
    "requests_total": Measure("counter", "Requests answered, by method, route and status."),
    "request_seconds": Measure("histogram", "Time from a request's head to its answer."),
    "commits_total": Measure("counter", "Transactions that were committed."),
    "conflicts_total": Measure("counter", "Times that a transaction's body ran again."),
    "commit_seconds": Measure("histogram", "Time from the first run of a body to its durable commit."),
    "store_syncs_total": Measure("counter", "Group commits that were synced to disk."),
    "store_sync_seconds_total": Measure("counter", "Time spent writing and syncing them."),
    "store_used_bytes": Measure("gauge", "Bytes of the store's file in use."),
    "store_commits_waiting": Measure("gauge", "Commits that wait for the next group."),
    "store_window_commits": Measure("gauge", "Commits kept for the check of conflicts."),
    "feed_subscribers": Measure("gauge", "Open sockets of clients that follow changes."),
    "feed_lag_seconds": Measure("histogram", "Time from a commit to its push to a client."),
    "feed_ring_changes": Measure("gauge", "Newest changes held in memory for listeners."),
    "tasks": Measure("gauge", "Background tasks that run."),
    "workspaces": Measure("gauge", "Watched folders, by state."),
    "scan_files": Measure("gauge", "Files that the present or last comparisons found on disk."),
    "scan_hashed_files": Measure("gauge", "Files of those that were read."),
    "scan_hashed_bytes": Measure("gauge", "Bytes that were read for it."),
    "scan_seconds": Measure("gauge", "How long those comparisons took."),
    "scan_files_per_second": Measure("gauge", "How many of the files found they compared in a second."),
    "scan_hashed_bytes_per_second": Measure("gauge", "How many bytes they read in a second."),
    "open_files": Measure("gauge", "File descriptors in use."),
    "open_files_max": Measure("gauge", "File descriptors that the process may use."),
    "loop_lag_seconds": Measure("histogram", "How late the event loop ran a timer."),
    "loop_stuck_total": Measure("counter", "Times that the event loop stood still for long."),
    "log_lines_lost_total": Measure("counter", "Log lines that could not be written."),
    "resident_bytes": Measure("gauge", "Memory that the process holds."),
    "start_time_seconds": Measure("gauge", "When the daemon started, seconds since 1970."),
}

Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """A value that is looked up when it is asked for."""

    name: str
    value: float
    labels: Labels = ()


class Tally:
    """One count of a counter or gauge: who counts often holds on to it, and adds to its value."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Histogram:
    """How long something took, each time: who measures often holds on to it.

    Attributes:
        buckets: How often it took so long; the last one is for what is longer than all bounds.
    """

    __slots__ = ("buckets", "last", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(metrics_buckets_seconds) + 1)
        self.total = 0.0
        self.last = 0.0

    def observe(self, seconds: float) -> None:
        """Note a duration."""
        self.total += seconds
        self.last = seconds
        self.buckets[bisect_left(metrics_buckets_seconds, seconds)] += 1

    @property
    def count(self) -> int:
        """How often it was noted."""
        return sum(self.buckets)


class Metrics:
    """The counts of one daemon. Counted on the event loop alone."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, Labels], Tally] = {}
        self._histograms: dict[tuple[str, Labels], Histogram] = {}
        self._collectors: list[Callable[[], Iterable[Sample]]] = []

    def tally(self, name: str, labels: Labels = ()) -> Tally:
        """Return the one count of a counter with these labels."""
        assert MEASURES[name].kind == "counter"  # noqa: S101 - a name that is not declared is a KeyError, too
        return self._tallies.setdefault((name, labels), Tally())

    def count(self, name: str, labels: Labels = (), *, amount: float = 1) -> None:
        """Add to a counter."""
        self.tally(name, labels).value += amount

    def histogram(self, name: str, labels: Labels = ()) -> Histogram:
        """Return the one histogram of that name with these labels."""
        assert MEASURES[name].kind == "histogram"  # noqa: S101 - the same
        return self._histograms.setdefault((name, labels), Histogram())

    def observe(self, name: str, seconds: float, labels: Labels = ()) -> None:
        """Note a duration in a histogram."""
        self.histogram(name, labels).observe(seconds)

    def move(self, name: str, by: int) -> None:
        """Let a gauge rise or fall."""
        assert MEASURES[name].kind == "gauge"  # noqa: S101 - the same
        self._tallies.setdefault((name, ()), Tally()).value += by

    def collect(self, collector: Callable[[], Iterable[Sample]]) -> None:
        """Ask ``collector`` for samples whenever somebody reads."""
        self._collectors.append(collector)

    def last_ms(self, name: str) -> float | None:
        """Return what an unlabelled histogram was fed last, in milliseconds; None before the first."""
        histogram = self._histograms.get((name, ()))
        return round(histogram.last * 1000, 1) if histogram else None

    def value(self, name: str) -> float:
        """Return the sum of a counter over its labels, or how often a histogram was fed."""
        counted = sum(tally.value for (found, _), tally in self._tallies.items() if found == name)
        return counted + sum(each.count for (found, _), each in self._histograms.items() if found == name)

    def render(self) -> str:
        """Return everything in Prometheus' text format; what was never counted stands at zero."""
        found: dict[str, list[str]] = {name: [] for name in MEASURES}
        for (name, labels), tally in self._tallies.items():
            found[name].append(_line(name, labels, tally.value))
        for (name, labels), histogram in self._histograms.items():
            found[name].extend(_histogram_lines(name, labels, histogram))
        for collector in self._collectors:
            for sample in collector():
                found[sample.name].append(_line(sample.name, sample.labels, sample.value))
        lines = []
        for name, (kind, meaning) in MEASURES.items():
            lines += [f"# HELP sidecar_{name} {meaning}", f"# TYPE sidecar_{name} {kind}"]
            lines += found[name] or ([_line(name, (), 0)] if kind == "counter" else [])
        return "\n".join(lines) + "\n"


def _histogram_lines(name: str, labels: Labels, histogram: Histogram) -> list[str]:
    lines, below = [], 0
    for bound, count in zip(metrics_buckets_seconds, histogram.buckets[:-1], strict=True):
        below += count
        lines.append(_line(f"{name}_bucket", (*labels, ("le", f"{bound:g}")), below))
    lines.append(_line(f"{name}_bucket", (*labels, ("le", "+Inf")), histogram.count))
    return [*lines, _line(f"{name}_sum", labels, histogram.total), _line(f"{name}_count", labels, histogram.count)]


def _line(name: str, labels: Labels, value: float) -> str:
    text = ",".join(f'{key}="{_escaped(each)}"' for key, each in labels)
    shown = f"{value:.6f}".rstrip("0").rstrip(".")
    return f"sidecar_{name}{{{text}}} {shown}" if labels else f"sidecar_{name} {shown}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
