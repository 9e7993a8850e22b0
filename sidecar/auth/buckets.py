"""Token buckets: how many requests someone may make, and how soon again.

Pure bookkeeping over a clock, in memory: a restart fills every bucket, which an attacker can't bring about.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache
from typing import NamedTuple

from sidecar import limits
from sidecar.clock import Clock


class Rate(NamedTuple):
    """How fast a bucket fills, and what it holds.

    Attributes:
        name: Shown to clients as the name of the policy.
    """

    name: str
    burst: int
    per_minute: int


@lru_cache(maxsize=limits.rates_cached_max)
def rate_of_user(per_minute: int) -> Rate:
    """Return how fast the bucket of a user's requests fills, with a plan of so many a minute."""
    return Rate("requests-of-user", per_minute, per_minute)


class Taken(NamedTuple):
    """What taking one token from a bucket gave.

    Attributes:
        allowed: There was one.
        remaining: Whole tokens that are left.
        reset_seconds: Until the bucket is full again.
        retry_after_seconds: Until there is a token; 0 when there was one.
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
        now = self._clock.monotonic()
        level = self._level(key, rate, now)
        allowed = level >= 1
        left = level - 1 if allowed else level
        self._put(key, left, now)
        token_seconds = 60 / max(1, rate.per_minute)
        until_full = math.ceil((rate.burst - left) * token_seconds)
        return Taken(rate, allowed, int(left), until_full, 0 if allowed else math.ceil((1 - left) * token_seconds))

    def give_back(self, key: Hashable, rate: Rate) -> None:
        """Put one token back: what it was taken for turned out to be no attack."""
        now = self._clock.monotonic()
        self._put(key, min(rate.burst, self._level(key, rate, now) + 1), now)

    def _level(self, key: Hashable, rate: Rate, now: float) -> float:
        known = self._levels.get(key)
        return rate.burst if known is None else min(rate.burst, known[0] + (now - known[1]) * rate.per_minute / 60)

    def _put(self, key: Hashable, level: float, now: float) -> None:
        self._levels[key] = level, now
        self._levels.move_to_end(key)
        if len(self._levels) > self._keys_max:
            self._levels.popitem(last=False)
