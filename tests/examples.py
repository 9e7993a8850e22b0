"""How many random examples a property takes: always the same in the suite; in a search more, and any.

``scripts/test --search 20 -m hypothesis`` is one with twenty times as many. What fails there prints how to repeat it.
"""

from hypothesis import HealthCheck, settings

SUITE = settings(max_examples=100, derandomize=True)


def search(times: int) -> settings:
    """Return the settings of a search with so many times the suite's examples."""
    return settings(
        max_examples=times * SUITE.max_examples,
        derandomize=False,
        print_blob=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def examples(number: int) -> int:
    """Return how many examples a property takes now, of which the suite takes ``number``."""
    return number * settings().max_examples // SUITE.max_examples


def is_search() -> bool:
    """Tell whether the examples are any, not the suite's."""
    return not settings().derandomize
