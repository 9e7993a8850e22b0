"""Token buckets: how many requests someone may make, and how soon again.

Pure bookkeeping over a clock, in memory: a restart fills every bucket, which an attacker can't bring about.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from sidecar.clock import Clock


class Rate(NamedTuple):
    """How fast a bucket fills, and what it holds.

    Attributes:
        name: Shown to clients as the name of the policy.
    """

    name: str
    burst: int
    per_minute: int


class Taken(NamedTuple):
    """What taking one token from a bucket gave.

    Attributes:
        allowed: There was one.
        remaining: Whole tokens that are left.
        reset_seconds: Until the bucket is full again.
        retry_after_seconds: Until there is a token; 0 when there is one now.
    """

    rate: Rate
    allowed: bool
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


class Buckets:
    """Buckets by key, each full when it is first asked for.

    Args:
        clock: Fills them.
        keys_max: So many are kept; of more, the one that was used longest ago is forgotten, which is as good as full.
    """

    def __init__(self, clock: Clock, *, keys_max: int) -> None:
        self._clock = clock
        self._keys_max = keys_max
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, rate: Rate) -> Taken:
        """Take one token from the bucket of ``key``."""
        level = self._level(key, rate)
        allowed = level >= 1
        self._put(key, level - 1 if allowed else level)
        left = level - 1 if allowed else level
        per_second = max(1, rate.per_minute) / 60
        return Taken(
            rate,
            allowed,
            int(left),
            math.ceil((rate.burst - left) / per_second),
            0 if allowed else math.ceil((1 - left) / per_second),
        )

    def give_back(self, key: Hashable, rate: Rate) -> None:
        """Put one token back: what it was taken for turned out to be no attack."""
        self._put(key, min(rate.burst, self._level(key, rate) + 1))

    def _level(self, key: Hashable, rate: Rate) -> float:
        level, at = self._levels.get(key, (float(rate.burst), self._clock.monotonic()))
        return min(rate.burst, level + (self._clock.monotonic() - at) * rate.per_minute / 60)

    def _put(self, key: Hashable, level: float) -> None:
        self._levels[key] = level, self._clock.monotonic()
        self._levels.move_to_end(key)
        if len(self._levels) > self._keys_max:
            self._levels.popitem(last=False)
