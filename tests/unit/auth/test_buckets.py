from sidecar import limits
from sidecar.auth.attempts import ACCOUNT, PEER, Attempts, Peer
from sidecar.auth.buckets import Buckets, Rate
from tests.clocks import FakeClock

RATE = Rate("test", burst=3, per_minute=30)  # one token in two seconds
OWN = Peer("127.0.0.1 uid 1000", is_own=True)
STRANGER = Peer("127.0.0.1 uid 4711", is_own=False)
OTHER = Peer("127.0.0.1 uid 4712", is_own=False)


def test_a_bucket_holds_its_burst_and_fills_at_its_rate() -> None:
    clock = FakeClock()
    buckets = Buckets(clock, keys_max=10)
    taken = [buckets.take("a", RATE) for _ in range(4)]
    assert [each.allowed for each in taken] == [True, True, True, False]
    assert [each.remaining for each in taken] == [2, 1, 0, 0]
    assert [each.reset_seconds for each in taken] == [2, 4, 6, 6]
    assert [each.retry_after_seconds for each in taken] == [0, 0, 0, 2]
    clock.move(1.9)
    assert not buckets.take("a", RATE).allowed
    clock.move(0.2)
    assert buckets.take("a", RATE).allowed
    clock.move(3_600)
    assert buckets.take("a", RATE).remaining == 2, "never more than the burst"


def test_buckets_are_apart_and_what_is_given_back_can_be_taken_again() -> None:
    buckets = Buckets(FakeClock(), keys_max=10)
    for _ in range(3):
        buckets.take("a", RATE)
    assert buckets.take("b", RATE).remaining == 2
    buckets.give_back("a", RATE)
    assert buckets.take("a", RATE).allowed
    assert not buckets.take("a", RATE).allowed


def test_a_rate_of_nothing_allows_nothing() -> None:
    assert not Buckets(FakeClock(), keys_max=10).take("a", Rate("none", 0, 0)).allowed


def test_only_so_many_buckets_are_kept_the_one_used_longest_ago_is_forgotten() -> None:
    buckets = Buckets(FakeClock(), keys_max=2)
    for key in ("a", "a", "b", "a", "c"):
        buckets.take(key, RATE)
    assert buckets.take("b", RATE).remaining == 2, "forgotten, so full"
    assert len(buckets._buckets) == 2  # noqa: SLF001 - the bound itself


def guesses(attempts: Attempts, peer: Peer, email: str = "a@b", *, is_paired: bool = False) -> int:
    """Guess until refused; return how often it went."""
    count = 0
    while attempts.on_account(email, peer, is_paired=is_paired).allowed:
        count += 1
    return count


def test_strangers_share_one_bucket_and_never_empty_the_owners() -> None:
    attempts = Attempts(FakeClock())
    assert guesses(attempts, STRANGER) == ACCOUNT.burst
    assert guesses(attempts, OTHER, "A@B ") == 0, "another process of a stranger's does not help, nor another spelling"
    assert guesses(attempts, OWN) == ACCOUNT.burst
    assert guesses(attempts, STRANGER, is_paired=True) == ACCOUNT.burst
    assert guesses(attempts, STRANGER, "c@d") == ACCOUNT.burst, "each account has its own"


def test_a_peer_that_has_logged_in_is_no_stranger_to_that_account() -> None:
    attempts = Attempts(FakeClock())
    assert attempts.on_account("a@b", OTHER, is_paired=False).allowed
    attempts.succeeded(OTHER, "a@b")
    guesses(attempts, STRANGER)
    assert guesses(attempts, OTHER) == ACCOUNT.burst
    assert guesses(attempts, OTHER, "c@d") == ACCOUNT.burst
    assert guesses(attempts, STRANGER, "c@d") == 0, "to another account it still is one"


def test_one_peer_may_not_try_many_accounts_and_success_costs_nothing() -> None:
    attempts = Attempts(FakeClock())
    for _ in range(PEER.burst * 2):
        assert attempts.by_peer(OWN).allowed
        attempts.succeeded(OWN, "a@b")
    allowed = [attempts.by_peer(STRANGER).allowed for _ in range(PEER.burst + 1)]
    assert allowed == [True] * PEER.burst + [False]


def test_what_is_remembered_is_bounded() -> None:
    attempts = Attempts(FakeClock())
    for number in range(limits.buckets_max + 10):
        attempts.succeeded(OWN, f"{number}@b")
    assert len(attempts._known) == limits.buckets_max  # noqa: SLF001 - the bound itself
