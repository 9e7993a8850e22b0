"""Replays recorded traces against an engine. The format stands in ``vectors/README.md``."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sidecar.errors import TransactionError
from sidecar.store.engine import AtomicOp, Engine, KeySelector, Transaction, Watch

Step = list[Any]
Trace = dict[str, Any]

_SOON_SECONDS = 5.0
_NOT_SECONDS = 0.4
_REPEAT = re.compile(r"([0-9a-f]{2})\*(\d+)")
_STAMP = re.compile(r"<(\w+)>")
_NO_STAMP = b"no such commit"


def load(path: Path) -> list[Trace]:
    """Return the traces of one file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def decoded(text: str) -> bytes:
    """Return the bytes that a trace's hex string stands for; it holds no versionstamp."""
    return bytes.fromhex(_REPEAT.sub(lambda match: match[1] * int(match[2]), text))


class Replay:
    """One trace against one engine.

    Args:
        engine: Holds nothing under ``prefix``.
        prefix: Every key of the trace is put behind it.
    """

    def __init__(self, engine: Engine, prefix: bytes) -> None:
        self._engine = engine
        self._prefix = prefix
        self._transactions: dict[Any, Transaction] = {}
        self._watches: dict[Any, Watch] = {}
        self._stamps: dict[str, bytes] = {}

    def differences(self, trace: Trace) -> Iterator[str]:
        """Yield what is answered otherwise than recorded."""
        for number, step in enumerate(trace["steps"]):
            operation, *arguments, expected = step
            try:
                answer = getattr(self, f"_{operation}")(*arguments)
            except TransactionError as error:
                answer = {"error": error.number}
            if answer != self._filled(expected):
                yield f"{trace['name']}, step {number}: {step!r} answered {answer!r}"

    def _filled(self, expected: Any) -> Any:
        """Return a recorded answer with stamps and repetitions written out."""
        if isinstance(expected, list):
            return [self._filled(item) for item in expected]
        if isinstance(expected, str) and ("<" in expected[:-1] or "*" in expected):
            stamped = _STAMP.sub(lambda match: self._stamps.get(match[1], _NO_STAMP).hex(), expected)
            return decoded(stamped).hex()
        return expected

    def _begin(self, name: Any) -> None:
        if name in self._transactions:
            self._transactions[name].cancel()
        transaction = self._transactions[name] = self._engine.begin()
        transaction.read_version()

    def _get(self, name: Any, key: str, snapshot: bool) -> str | None:
        value = self._transactions[name].get(self._key(key), snapshot=snapshot)
        return None if value is None else value.hex()

    def _get_key(self, name: Any, selector: list[Any], snapshot: bool) -> str:
        key = self._transactions[name].get_key(self._selector(selector), snapshot=snapshot)
        if key.startswith(self._prefix):
            return key[len(self._prefix) :].hex()
        return "<" if key < self._prefix else ">"

    def _get_range(self, name: Any, *arguments: Any) -> list[list[str]]:
        begin, end, limit, reverse, snapshot = arguments
        rows = self._transactions[name].get_range(
            self._selector(begin), self._selector(end), limit=limit, reverse=reverse, snapshot=snapshot
        )
        return self._shown(rows)

    def _set(self, name: Any, key: str, value: str) -> None:
        self._transactions[name].set(self._key(key), decoded(value))

    def _clear(self, name: Any, key: str) -> None:
        self._transactions[name].clear(self._key(key))

    def _clear_range(self, name: Any, begin: str, end: str) -> None:
        self._transactions[name].clear_range(self._key(begin), self._key(end))

    def _atomic(self, name: Any, op: str, key: str, param: str) -> None:
        self._transactions[name].atomic(AtomicOp(op), self._key(key), decoded(param))

    def _versionstamped_key(self, name: Any, before: str, after: str, value: str) -> None:
        self._transactions[name].versionstamped_key(self._key(before), decoded(after), decoded(value))

    def _versionstamped_value(self, name: Any, key: str, before: str, after: str) -> None:
        self._transactions[name].versionstamped_value(self._key(key), decoded(before), decoded(after))

    def _read_conflict_range(self, name: Any, begin: str, end: str) -> None:
        self._transactions[name].add_read_conflict_range(self._key(begin), self._key(end))

    def _write_conflict_range(self, name: Any, begin: str, end: str) -> None:
        self._transactions[name].add_write_conflict_range(self._key(begin), self._key(end))

    def _read_conflict_key(self, name: Any, key: str) -> None:
        self._transactions[name].add_read_conflict_key(self._key(key))

    def _write_conflict_key(self, name: Any, key: str) -> None:
        self._transactions[name].add_write_conflict_key(self._key(key))

    def _no_write_conflict(self, name: Any) -> None:
        self._transactions[name].no_write_conflict()

    def _commit(self, name: Any) -> str:
        transaction = self._transactions[name]
        transaction.commit()
        try:
            self._stamps[str(name)] = transaction.versionstamp()
        except TransactionError as error:
            if error.number != 2021:  # it wrote nothing, so it has no stamp
                raise
        return "ok"

    def _reset(self, name: Any) -> None:
        self._transactions[name].reset()

    def _cancel(self, name: Any) -> None:
        self._transactions[name].cancel()

    def _on_error(self, name: Any, code: int) -> str:
        self._transactions[name].on_error(code)
        return "retry"

    def _watch(self, watch: Any, name: Any, key: str) -> None:
        self._watches[watch] = self._transactions[name].watch(self._key(key))

    def _fired(self, watch: Any, soon: bool) -> bool:
        return self._watches[watch].fired(_SOON_SECONDS if soon else _NOT_SECONDS)

    def _dump(self) -> list[list[str]]:
        transaction = self._engine.begin()
        rows = transaction.get_range(self._prefix, self._prefix + b"\xff\xff\xff")
        transaction.cancel()
        return self._shown(rows)

    def _key(self, text: str) -> bytes:
        return self._prefix + decoded(text)

    def _selector(self, selector: list[Any]) -> KeySelector:
        key, or_equal, offset = selector
        return KeySelector(self._key(key), or_equal, offset)

    def _shown(self, rows: list[tuple[bytes, bytes]]) -> list[list[str]]:
        start = len(self._prefix)
        return [[key[start:].hex(), value.hex()] for key, value in rows if key.startswith(self._prefix)]


Difference = Callable[[Trace], Iterator[str]]
