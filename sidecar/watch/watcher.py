"""Keeps the index of one workspace equal to the disk, from the first scan until it is cancelled.

Decides when to compare and what; ``comparison.py`` does it in a thread. Made by ``registry.py``.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidecar import limits
from sidecar.clock import Clock
from sidecar.errors import SidecarError
from sidecar.models.files import shown_path
from sidecar.models.workspaces import Workspace, WorkspaceProgress, WorkspaceState
from sidecar.repositories.changes import Changes
from sidecar.repositories.files import Files
from sidecar.repositories.transactions import Database
from sidecar.watch.agenda import Agenda
from sidecar.watch.aside import Aside
from sidecar.watch.comparison import Comparison, Place, RootLostError, identity_of
from sidecar.watch.events import EventSource, MakeSource, WatchLimitError
from sidecar.watch.findings import Findings, Tally
from sidecar.watch.git import Git, count_tracked
from sidecar.watch.hasher import Hasher
from sidecar.watch.hints import Hints
from sidecar.watch.ignore import Folders, Ignore
from sidecar.watch.index_store import WorkspaceIndex
from sidecar.watch.links import Links
from sidecar.watch.patience import Calls, Turn
from sidecar.watch.plan import Moves
from sidecar.watch.power import SLOW_NOTICE, Pace

log = logging.getLogger(__name__)
Publish = Callable[[WorkspaceProgress], None]


@dataclass(frozen=True)
class Tools:
    """What all watchers of a daemon share.

    Attributes:
        database: Where the indexes are kept.
        clock: Tells the time.
        pace: How fast files are read.
        give_way: Called with each file; see ``turns``.
        git: Asked for its settings.
        own_folders: Where the daemon writes, absolute.
        turns: Full comparisons wait here for their turn.
        make_source: Makes the events of a root.
    """

    database: Database
    clock: Clock
    pace: Pace
    give_way: Callable[[], None]
    git: Git
    own_folders: Sequence[bytes]
    turns: asyncio.Semaphore
    make_source: MakeSource


class WorkspaceWatcher:
    """Watches one workspace while ``run`` runs.

    Args:
        workspace: Which.
        files: The tenant's files.
        tools: What all watchers share.
        publish: Told the progress, on the event loop, at most every ``limits.progress_publish_seconds``.
    """

    def __init__(self, workspace: Workspace, files: Files, tools: Tools, publish: Publish) -> None:
        self._tools = tools
        self._publish = publish
        self._root = os.fsencode(workspace.path)
        self._index = WorkspaceIndex(tools.database, files, workspace.path, asyncio.get_running_loop())
        self._changes = Changes(files.tenant)
        self._hasher = Hasher(tools.clock, tools.pace, give_way=tools.give_way)
        self._calls = Calls(tools.clock, self._show, self._silence_turned)
        self._agenda = Agenda(tools.clock)
        self._moves = Moves()
        self._links = Links()
        self._ignore: Ignore | None = None
        self._rule_findings = Findings()
        self._doubt_since_ms: int | None = None
        self._accepts_empty = False
        self._state: WorkspaceState = "scanning"  # the first thing it does
        self._tally = Tally()
        self._expected: int | None = None
        self._is_comparing = False
        self._turn: Turn | None = None
        self._aside: Aside | None = None
        self._began, self._ended = tools.clock.monotonic(), 0.0
        self._walk_findings = Findings()  # their warnings are of the present
        self._trouble: tuple[str, ...] = ()
        self._advice: tuple[str, ...] = ()
        self._wait_seconds = limits.failure_wait_seconds_min
        self._events_again_at = 0.0  # when a root without events asks for them again

    # --- what others see ---

    def progress(self) -> WorkspaceProgress:
        """Return how far the index is."""
        tally = self._tally
        end = self._ended or (self._tools.clock.monotonic() if self._state == "scanning" else self._began)
        seconds = max(0.0, end - self._began)
        large_files, large_bytes = self._aside.read() if self._aside is not None else (0, 0)
        rate = tally.files_seen / seconds if seconds else 0.0
        return WorkspaceProgress(
            state=self._state,
            files_seen=tally.files_seen,
            files_hashed=tally.files_hashed + large_files,
            files_indexed=tally.files_indexed + large_files,
            bytes_hashed=tally.bytes_hashed + large_bytes,
            seconds=round(seconds, 3),
            files_expected=self._expected,
            files_per_second=round(rate, 1),
            seconds_left=self._seconds_left(tally.files_seen, rate),
            warnings=self._advice + self._trouble + self._silence() + self._reading_notice() + self._warnings(),
        )

    def _silence(self) -> tuple[str, ...]:
        name = shown_path(self._root)[0]
        return (f"{name} does not answer; what was known of it stays until it does.",) if self._calls.is_silent else ()

    def _warnings(self) -> tuple[str, ...]:
        return tuple(self._rule_findings.warnings) + tuple(self._walk_findings.warnings)

    def _reading_notice(self) -> tuple[str, ...]:
        """Say what is still being read, and that it is read slowly; asked only while some files are read."""
        large = self._aside.notice() if self._aside is not None else ()
        return (SLOW_NOTICE, *large) if (self._is_comparing or large) and self._tools.pace.is_slow else large

    def _seconds_left(self, seen: int, rate: float) -> float | None:
        if self._state != "scanning" or self._ended or not rate or self._expected is None or self._expected < seen:
            return None
        return round((self._expected - seen) / rate, 1)

    def rescan(self) -> None:
        """Compare the whole tree soon. The user has looked: a root that is empty is taken for what it is.

        Where the system gave no events it is asked for them again: the user may have raised its limit.
        """
        self._accepts_empty = True
        self._events_again_at = 0.0
        self._agenda.hints.touch_everything()
        self._agenda.wake()

    # --- the life of a watcher ---

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                try:
                    await self._watch()
                except Exception as error:  # noqa: BLE001 - told and tried again: one tree must not end the daemon
                    await self._recover(error)
        finally:
            self._hasher.close()
            self._say("stopped")

    async def _watch(self) -> None:
        """Watch until there is another way to do so, or something fails."""
        if self._doubt_since_ms is None:
            newest_ms = await self._tools.database.read(self._changes.newest_at_ms)
            self._doubt_since_ms = None if newest_ms is None else newest_ms - limits.startup_doubt_ms
        try:
            await self._watch_root(events=not self._advice)
            self._advice = ()  # long without events: perhaps there are some now
        except RootLostError:
            self._accepts_empty = False
            await self._wait_for_root()
        except WatchLimitError as error:
            self._advice = (error.advice,)

    async def _recover(self, error: Exception) -> None:
        """Tell a failure, the system's, the store's or our own, and wait, longer each time, before the next try."""
        log.warning("Watching %s failed; trying again.", shown_path(self._root)[0], exc_info=error)
        known = isinstance(error, SidecarError | OSError)
        reason = str(error) if known else f"an error of our own ({type(error).__name__}: {error})"
        self._say(self._state, trouble=f"The last comparison failed: {reason}")
        await asyncio.sleep(self._wait_seconds)
        self._wait_seconds = min(self._wait_seconds * 2, limits.failure_wait_seconds_max)

    async def _watch_root(self, *, events: bool) -> None:
        """Follow a root until it is lost or something fails; without events, at most for an hour."""
        identity = await self._present_identity()
        if identity is None:
            raise RootLostError
        source = self._tools.make_source(self._root, self._agenda.hints, self._agenda.wake) if events else None
        enter = source.enter if source else lambda _folder: None
        aside = self._aside = Aside(self._root, self._hasher, self._agenda.touch_path)
        place = Place(self._root, identity, self._index, self._hasher, self._moves, self._links, enter, aside)
        try:
            if source:
                source.start()
            await self._follow(place, aside, source)
        finally:
            await aside.close()
            if source:
                await source.close()

    async def _follow(self, place: Place, aside: Aside, source: EventSource | None) -> None:
        hints = self._agenda.hints
        hints.touch_everything()
        self._events_again_at = self._tools.clock.monotonic() + limits.full_scan_interval_seconds
        while source is not None or self._tools.clock.monotonic() < self._events_again_at:
            if hints:
                ended = aside.ended()
                await self._look(place, source)
                aside.forget(ended)
            if aside:
                self._say("scanning", trouble=None)
            else:
                self._say("watching" if source else "polling", trouble=None)
            await self._agenda.wait(limits.aside_publish_seconds if aside else limits.tick_seconds)
            identity, rules = await self._calls.run(lambda: (identity_of(self._root), self._have_rules_changed()))
            if identity != place.identity:
                raise RootLostError
            if rules:
                hints.rules = True

    async def _look(self, place: Place, source: EventSource | None) -> None:
        """Compare what the hints name, or everything."""
        taken = self._agenda.hints.take()
        if taken.rules and not taken.everything and await self._calls.run(self._have_rules_changed):
            taken.touch_everything()
        if not taken.everything:
            findings = await self._compare(place, taken, Tally())
        else:
            async with Turn(self._tools.turns) as self._turn:
                findings = await self._look_everywhere(place, taken, source)
        self._walk_findings.take_over(findings)
        self._wait_seconds = limits.failure_wait_seconds_min
        self._agenda.look_again(findings.racy, after_seconds=limits.racy_window_ms / 1000 + 0.1)
        self._agenda.look_again(findings.linked, after_seconds=0)
        if findings.seek_after is not None:
            self._agenda.seek_names(after_seconds=findings.seek_after)
        self._agenda.look_again(findings.unstable, after_seconds=limits.recheck_unstable_seconds)

    async def _look_everywhere(self, place: Place, taken: Hints, source: EventSource | None) -> Findings:
        clock = self._tools.clock
        began_ms = clock.now_ms()
        self._expected = self._tally.files_seen or await self._calls.run(lambda: count_tracked(self._root))
        self._began, self._ended, self._tally = clock.monotonic(), 0.0, Tally()
        if self._aside is not None:
            self._aside.count_anew()
        self._say("scanning")
        self._links.clear()
        await self._load_rules(source)
        findings = await self._compare(place, taken, self._tally)
        self._ended = clock.monotonic()
        self._accepts_empty = False  # what the user said was of the root as it has now been compared
        self._doubt_since_ms = began_ms - limits.racy_window_ms
        if source is None:
            pause = max(limits.poll_scan_seconds, 10 * (self._ended - self._began))
            self._agenda.plan_full(min(pause, limits.full_scan_interval_seconds))
        else:
            self._agenda.plan_full(limits.full_scan_interval_seconds, jitter_seconds=limits.full_scan_jitter_seconds)
        return findings

    async def _load_rules(self, source: EventSource | None) -> None:
        self._rule_findings = Findings()
        warn = self._rule_findings.warn  # also told of the ignore files that are read later

        def load() -> Ignore:
            ignore = Ignore.load(self._root, self._tools.git, warn=warn, own=self._tools.own_folders)
            if source is not None:
                for signature in ignore.outside:
                    source.follow(signature.path)
            return ignore

        self._ignore = await self._calls.run(load)

    async def _compare(self, place: Place, taken: Hints, tally: Tally) -> Findings:
        assert self._ignore is not None  # noqa: S101 - the first look is at everything, and loads the rules
        folders = Folders(self._ignore)
        stop = threading.Event()
        since_ns = None if self._doubt_since_ms is None else self._doubt_since_ms * 1_000_000
        comparison = Comparison(place, folders, tally, stop, doubt_since_ns=since_ns if taken.everything else None)
        self._is_comparing = True
        try:
            return await self._calls.run(lambda: comparison.run(taken.scopes(folders)), stop=stop, done=comparison.done)
        finally:
            self._is_comparing = False

    def _have_rules_changed(self) -> bool:
        return self._ignore is None or self._ignore.has_changed()

    def _show(self) -> None:
        if self._state == "scanning":
            self._say("scanning")

    def _silence_turned(self) -> None:
        """Tell that the root does not answer, or does again, or is no longer asked; others need not wait for it."""
        name = shown_path(self._root)[0]
        if self._calls.is_silent:
            log.warning("%s does not answer.", name)
            if self._turn is not None:
                self._turn.give_back()
        else:
            log.warning("%s answers again, or is no longer asked.", name)
        self._say(self._state)

    # --- a root that is not there ---

    async def _present_identity(self) -> tuple[int, int] | None:
        """Return the root's identity; None when it is not there, or is empty although files are known.

        An empty folder is most likely one that nothing is mounted on, unless the user has said that it is so.
        """

        def look() -> tuple[int, int] | None:
            identity = identity_of(self._root)
            return None if identity is None or (not self._accepts_empty and self._has_been_emptied()) else identity

        return await self._calls.run(look)

    def _has_been_emptied(self) -> bool:
        with os.scandir(self._root) as listing:
            return next(listing, None) is None and self._index.has_files()

    async def _wait_for_root(self) -> None:
        name = shown_path(self._root)[0]
        self._say("frozen", trouble=f"{name} is not there, or empty; what was known of it is kept until it is back.")
        log.warning("%s is lost; its index is frozen.", name)
        while not await self._root_is_back():
            await self._agenda.pause(limits.root_check_seconds)
            self._agenda.hints.take()
        self._say("scanning", trouble=None)

    async def _root_is_back(self) -> bool:
        try:
            return await self._present_identity() is not None
        except OSError:
            return False

    def _say(self, state: WorkspaceState, *, trouble: str | None = "") -> None:
        """Publish the state; ``trouble`` replaces what stands in front of the warnings, None removes it."""
        self._state = state
        if trouble != "":
            self._trouble = (trouble,) if trouble else ()
        self._publish(self.progress())
