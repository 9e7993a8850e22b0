"""How a restored store takes its place: who is killed, at whatever moment, leaves the old store or the new one, whole.

While it goes on, ``NAME.restoring`` lies beside the store's folder ``NAME``: in it ``draft``, which is being filled,
and then ``whole``, which waits for its place. What was there before is ``NAME.replaced-N`` for good. Whoever opens a
store calls ``finish`` first, and ``clear`` when it holds the store's lock. Knows nothing of LMDB.
"""

import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.drafts import sync_folder
from sidecar.errors import ConflictError
from sidecar.store.embedded.lock_file import LOCK_FILE, LockFile

log = logging.getLogger(__name__)


def waits(folder: Path) -> bool:
    """Tell whether a whole store waits to be moved to its place, which has been cleared."""
    return (_workshop(folder) / "whole").exists() and not folder.exists()


def finish(folder: Path) -> None:
    """Move a whole store to its place, when who restored it was killed after that had been cleared."""
    whole = _workshop(folder) / "whole"
    if waits(folder):
        log.warning("A restore to %s was interrupted at its end; it is finished now.", folder)
        whole.rename(folder)
        sync_folder(folder.parent)
        shutil.rmtree(whole.parent, ignore_errors=True)


def clear(folder: Path) -> None:
    """Remove what an interrupted restore has left beside a store that is in its place."""
    left = _workshop(folder)
    if left.exists():
        log.warning("%s is what an interrupted restore has left; it is removed.", left)
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def replacing(folder: Path, *, replace: bool) -> Iterator[Path]:
    """Yield an empty folder in which to fill the new store; nobody can open the one that is there meanwhile.

    Raises:
        ConflictError: There is something in ``folder``, and it is not to be replaced.
        AlreadyRunningError: Another process has it open, whatever its data folder is.
    """
    if not _holds_something(folder):
        with _draft(folder) as draft:
            yield draft
        return
    if not replace:
        raise ConflictError(f"The folder {folder} is not empty; a restore needs an empty or absent one.")
    with _held(folder), _draft(folder) as draft:
        yield draft


def take_place(folder: Path) -> Path | None:
    """Move the filled draft to its place; return where what was there is now, None when there was nothing."""
    draft, whole = _workshop(folder) / "draft", _workshop(folder) / "whole"
    sync_folder(draft)
    draft.rename(whole)
    sync_folder(whole.parent)
    aside = _moved_aside(folder)
    try:
        whole.rename(folder)
    except OSError:
        if aside is not None:
            aside.rename(folder)
        raise
    sync_folder(folder.parent)
    return aside


def _moved_aside(folder: Path) -> Path | None:
    """Clear the store's place, which may be done: ``replacing`` has looked."""
    if not folder.exists():
        return None
    if not _holds_something(folder):
        folder.rmdir()
        return None
    number = 1
    while (aside := folder.with_name(f"{folder.name}.replaced-{number}")).exists():
        number += 1
    return folder.rename(aside)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the store that is there, as who has it open does."""
    lock = LockFile(folder / LOCK_FILE)
    is_movable = sys.platform != "win32"  # a folder with an open file can't be renamed there: it is only asked for
    try:
        if is_movable:
            yield
    finally:
        lock.release(clean=not lock.left_open)
    if not is_movable:
        yield


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    workshop = _workshop(folder)
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(mode=0o700, parents=True)
    draft, whole = workshop / "draft", workshop / "whole"
    draft.mkdir(mode=0o700)
    try:
        yield draft
    finally:
        if folder.exists() or not whole.exists():  # else ``finish`` needs it
            shutil.rmtree(workshop, ignore_errors=True)


def _holds_something(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _workshop(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.restoring")
