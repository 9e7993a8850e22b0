import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from sidecar import limits
from sidecar.auth import argon2id
from sidecar.auth.passwords import Match, Passwords, Verdict
from sidecar.errors import UnavailableError

CHEAP = Parameters(
    type=RFC_9106_LOW_MEMORY.type, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=64, parallelism=1
)
PASSWORD = "correct horse battery staple"  # noqa: S105 - nobody's


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(CHEAP, cores=2)
    yield passwords
    passwords.close()


async def test_hashes_are_made_with_the_librarys_rfc_profile_and_a_salt_of_their_own() -> None:
    passwords = Passwords()
    first, second = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
    passwords.close()
    assert first != second
    assert first.startswith("$argon2id$")
    assert extract_parameters(first) == RFC_9106_LOW_MEMORY
    assert PASSWORD not in first
    assert len(first) <= limits.password_hash_chars_max


async def test_only_the_password_that_was_hashed_matches(passwords: Passwords) -> None:
    stored = await passwords.hash(PASSWORD)
    assert await passwords.check(stored, PASSWORD) == Verdict(matches=True)
    for wrong in ("", PASSWORD + " ", PASSWORD.upper(), stored):
        assert await passwords.check(stored, wrong) == Verdict(matches=False)
    assert await passwords.check("no hash", PASSWORD) == Verdict(matches=False)


async def test_of_several_hashes_the_first_is_found_that_a_password_is_of(passwords: Passwords) -> None:
    own, other = await passwords.hash(PASSWORD), await passwords.hash("another")
    assert limits.login_accounts_max == 2
    assert await passwords.find([own, own], PASSWORD) == Match(0)
    assert await passwords.find([None, own], PASSWORD) == Match(1)
    assert await passwords.find([other, own], PASSWORD) == Match(1)
    for stored in ([], [None], [other], [other, None]):
        assert await passwords.find(stored, PASSWORD) is None


async def test_hashes_are_the_librarys_own_on_fewer_threads(passwords: Passwords) -> None:
    library = PasswordHasher(time_cost=2, memory_cost=128, parallelism=4, hash_len=24, salt_len=12)
    assert (await passwords.check(library.hash(PASSWORD), PASSWORD)).matches
    assert library.verify(await passwords.hash(PASSWORD), PASSWORD)


@pytest.mark.parametrize(
    "damage", ["$argon2i$", "$argon2d$", "$argon2id$v=19$m=64,t=1,p=1$%%%%$AAAA", "$argon2id", "x"]
)
async def test_what_is_no_hash_of_argon2id_matches_nothing(passwords: Passwords, damage: str) -> None:
    stored = await passwords.hash(PASSWORD)
    assert not (await passwords.check(stored.replace("$argon2id$", damage, 1), PASSWORD)).matches


async def test_it_does_not_matter_how_a_keyboard_composes_a_character(passwords: Passwords) -> None:
    assert (await passwords.check(await passwords.hash("caf\u00e9 au lait!"), "cafe\u0301 au lait!")).matches


async def test_a_hash_of_other_parameters_is_renewed_at_the_next_login(passwords: Passwords) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1).hash(PASSWORD)
    verdict = await passwords.check(old, PASSWORD)
    assert verdict.new_hash is not None
    assert extract_parameters(verdict.new_hash) == CHEAP
    assert await passwords.check(verdict.new_hash, PASSWORD) == Verdict(matches=True)
    assert (await passwords.check(old, "wrong")).new_hash is None


async def test_where_nothing_is_stored_a_hash_of_the_same_cost_is_computed(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[Parameters] = []
    digest = argon2id._digest  # noqa: SLF001 - the one place where work is done

    def noting(password: bytes, salt: bytes, parameters: Parameters) -> bytes:
        computed.append(parameters)
        return digest(password, salt, parameters)

    stored = await passwords.hash("another one")
    monkeypatch.setattr(argon2id, "_digest", noting)
    assert await passwords.check(None, PASSWORD) == Verdict(matches=False)
    assert await passwords.check(stored, PASSWORD) == Verdict(matches=False)
    assert computed == [CHEAP, CHEAP]


@pytest.mark.parametrize(("cores", "at_once"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8)])
async def test_at_most_half_the_cores_hash_at_a_time_and_never_on_the_loop(
    cores: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, threads = 0, 0, set[int]()
    lock, go = threading.Lock(), threading.Event()

    def slow(_password: bytes, _parameters: Parameters) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            threads.add(threading.get_ident())
            if running == at_once:
                go.set()
        go.wait(20)
        with lock:
            running -= 1
        return "hash"

    monkeypatch.setattr(argon2id, "new_hash", slow)
    passwords = Passwords(CHEAP, cores=cores)
    await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(at_once * 3)))
    passwords.close()
    assert most == at_once
    assert threading.get_ident() not in threads


async def test_a_queue_that_grows_too_long_is_refused_and_works_on(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "password_hashes_waiting_max", 3)
    outcomes = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(10)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, UnavailableError)]
    assert len(refused) == 10 - 1 - 3
    assert refused[0].code == "busy"
    assert refused[0].details == {"retry_after_seconds": 1}
    assert (await passwords.hash(PASSWORD)).startswith("$argon2id$")
