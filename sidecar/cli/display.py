"""What ``sidecar up`` shows: a progress bar on a terminal, plain lines elsewhere, nothing when nobody reads."""

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from sidecar import limits
from sidecar.cli.progress import Bar
from sidecar.cli.talk import forget_standard_output, printable, size_text

if TYPE_CHECKING:
    from sidecar.daemon.wiring import Daemon
    from sidecar.models.workspaces import Workspace, WorkspaceProgress


class Display:
    """Writes to standard output. The daemon goes on when its terminal or pipe is gone."""

    def say(self, line: str) -> None:
        """Write one line."""
        try:
            click.echo(line)
        except OSError:
            forget_standard_output()

    async def follow_scan(self, daemon: "Daemon", workspace: "Workspace") -> None:
        """Show how a scan of a workspace goes, and its end."""
        if sys.stdout.isatty():
            try:
                await self._move_bar(daemon, workspace)
            except OSError:
                forget_standard_output()
        else:
            await self._write_lines(daemon, workspace)
        progress = daemon.progress(workspace)
        for warning in progress.warnings:
            self.say(f"Warning: {printable(warning)}")
        self.say(
            f"Scanned: {progress.files_seen:,} files, {progress.files_hashed:,} read "
            f"({size_text(progress.bytes_hashed)}) in {progress.seconds:.1f} s."
        )
        state = "Watching" if progress.state == "watching" else progress.state.capitalize() + ":"
        self.say(f"{state} {printable(workspace.path)} (Ctrl-C stops)")

    async def _move_bar(self, daemon: "Daemon", workspace: "Workspace") -> None:
        with Bar("Scanning", stream=sys.stdout) as bar:
            while (progress := daemon.progress(workspace)).state == "scanning":
                bar.move(progress.files_indexed, max(_total(progress), 1), _counts(progress))
                await asyncio.sleep(limits.progress_interval_seconds)

    async def _write_lines(self, daemon: "Daemon", workspace: "Workspace") -> None:
        self.say(f"Scanning {printable(workspace.path)}")
        polls = 0
        polls_a_line = round(limits.progress_line_interval_seconds / limits.progress_interval_seconds)
        while (progress := daemon.progress(workspace)).state == "scanning":
            polls += 1
            if polls % polls_a_line == 0:
                self.say(f"Scanning: {_counts(progress)}")
            await asyncio.sleep(limits.progress_interval_seconds)


def _counts(progress: "WorkspaceProgress") -> str:
    left = "" if progress.seconds_left is None else f", about {max(progress.seconds_left, 1):.0f} s left"
    return (
        f"{progress.files_indexed:,} of {_total(progress):,} files, {progress.files_per_second:,.0f} a second, "
        f"{size_text(progress.bytes_hashed)} read{left}"
    )


def _total(progress: "WorkspaceProgress") -> int:
    return max(progress.files_seen, progress.files_expected or 0)
