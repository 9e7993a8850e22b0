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
        left: Tokens that are left, and what there is of the next.
    """

    rate: Rate
    allowed: bool
    left: float

    @property
    def remaining(self) -> int:
        """Whole tokens that are left."""
        return int(self.left)

    @property
    def reset_seconds(self) -> int:
        """Seconds until the bucket is full again."""
        return self._seconds_until(self.rate.burst)

    @property
    def retry_after_seconds(self) -> int:
        """Seconds until there is a token; 0 when there was one."""
        return 0 if self.allowed else self._seconds_until(1)

    def _seconds_until(self, level: int) -> int:
        return math.ceil((level - self.left) * 60 / max(1, self.rate.per_minute))


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
        return Taken(rate, allowed, left)

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
