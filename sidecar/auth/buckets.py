"""Token buckets: how many requests someone may make, and how soon again.

Pure bookkeeping over a clock, in memory: a restart fills every bucket, which an attacker can't bring about.
"""

from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache
from math import ceil
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


class _Bucket:
    __slots__ = ("at", "level")

    def __init__(self, level: float, at: float) -> None:
        self.level = level
        self.at = at


class Buckets:
    """Buckets by key, each full when it is first asked for.

    Args:
        clock: Fills them.
        keys_max: So many are kept; of more, the one that was used longest ago is forgotten, which is as good as full.
    """

    def __init__(self, clock: Clock, *, keys_max: int) -> None:
        self._clock = clock
        self._keys_max = keys_max
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def take(self, key: Hashable, rate: Rate) -> Taken:
        """Take one token from the bucket of ``key``."""
        bucket = self._filled(key, rate)
        token_seconds = 60 / (rate.per_minute or 1)
        left = bucket.level - 1
        if left < 0:
            retry = ceil(-left * token_seconds)
            return Taken(
                rate,
                allowed=False,
                remaining=0,
                reset_seconds=ceil((rate.burst - left - 1) * token_seconds),
                retry_after_seconds=retry,
            )
        bucket.level = left
        return Taken(rate, True, int(left), ceil((rate.burst - left) * token_seconds), 0)

    def give_back(self, key: Hashable, rate: Rate) -> None:
        """Put one token back: what it was taken for turned out to be no attack."""
        bucket = self._filled(key, rate)
        bucket.level = min(rate.burst, bucket.level + 1)

    def _filled(self, key: Hashable, rate: Rate) -> _Bucket:
        """Return the bucket of ``key`` with what has come into it until now."""
        now, bucket = self._clock.monotonic(), self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(rate.burst, now)
            if len(self._buckets) > self._keys_max:
                self._buckets.popitem(last=False)
            return bucket
        bucket.level = min(rate.burst, bucket.level + (now - bucket.at) * rate.per_minute / 60)
        bucket.at = now
        self._buckets.move_to_end(key)
        return bucket
