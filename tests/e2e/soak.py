"""Random operations for minutes: ``scripts/soak [--minutes N] [--seed N] [--clock]``.

The seed is printed first; the same seed and options do the same again, as far as a machine does.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.daemons import daemon_process
from tests.e2e.machines import moved_clock
from tests.e2e.random_rounds import Rounds
from tests.e2e.repositories import make_repository


def main(arguments: Sequence[str]) -> int:
    """Run rounds until the time is over."""
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, help="repeats a run; otherwise any")
    parser.add_argument("--clock", action="store_true", help="its clock jumps too (libfaketime, which is slow)")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)  # noqa: T201 - a command's output
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidecar-soak-")))
        make_repository(made / "workspace")
        daemon = stack.enter_context(daemon_process(made / "home", made / "workspace"))
        rounds = Rounds(daemon, seed, clock=stack.enter_context(moved_clock(made / "clock")) if options.clock else None)
        if rounds.clock is not None:
            daemon.environment |= rounds.clock.environment
        end = time.monotonic() + options.minutes * 60
        asyncio.run(rounds.run(lambda: time.monotonic() < end))
    told = (
        f"seed {seed}: {rounds.number} rounds; the index was the disk after each, {rounds.slowest:.1f} s at the latest"
    )
    print(told)  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
