"""What an IDE shows, as it tells it: editor groups and tabs, terminals, breakpoints, and what is remembered.

Known fields are checked; unknown ones are kept as they came, so that other IDEs can store more than we know. Used by
``workspace_sessions``.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from sidecar import limits
from sidecar.models.base import Content, Count, Flag, LongText, Name, Number, Path, State, StateRoot, Text

TabKind = Literal["text", "diff", "notebook", "untitled", "custom"]
Scrollback = Annotated[str, StringConstraints(max_length=limits.scrollback_chars_max)]
LineNumber = Annotated[Count, Field(ge=1)]


class Position(State):
    """A place in a text: both count from 0."""

    line: Count
    character: Count


class Span(State):
    """From one place to another; of a selection, ``start`` is where it was begun and ``end`` where the cursor is."""

    start: Position
    end: Position


class Tab(State):
    """One open editor.

    Attributes:
        uri: What it shows, where a path does not tell.
        path: The file it shows.
        content: Of a dirty text: what is not saved yet.
        visible_range: What is scrolled into view.
    """

    uri: Path | None = None
    path: Path | None = None
    kind: TabKind = "text"
    pinned: Flag = False
    preview: Flag = False
    dirty: Flag = False
    content: Content | None = None
    selections: Annotated[list[Span], Field(max_length=limits.selections_max)] = Field(default_factory=list)
    visible_range: Span | None = None
    language: Text | None = None

    def shows_something(self) -> bool:
        """Tell whether there is anything behind the tab, or its kind needs nothing."""
        return self.path is not None or self.uri is not None or self.kind in ("untitled", "custom")


class Group(State):
    """Tabs that share a place on the screen; ``active_tab`` counts from 0."""

    tabs: Annotated[list[Tab], Field(max_length=limits.editor_tabs_max)] = Field(default_factory=list)
    active_tab: Count | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        empty = next((at for at, tab in enumerate(self.tabs) if tab.path is None and not tab.shows_something()), None)
        if empty is not None:
            raise ValueError(
                f"a tab needs a uri or a path, unless its kind is untitled or custom; tab {empty} has none"
            )
        return self


class EditorState(StateRoot):
    """The editors and how they are laid out; ``layout`` is the IDE's own."""

    groups: Annotated[list[Group], Field(max_length=limits.editor_groups_max)] = Field(default_factory=list)
    layout: dict[str, JsonValue] | None = None
    active_group: Count | None = None


class Command(State):
    """A command that was run, and how it ended."""

    command: LongText
    exit_code: Number | None = None


class Terminal(State):
    """One terminal; ``commands`` are its last ones, oldest first."""

    name: Text = ""
    cwd: Path | None = None
    shell: Text | None = None
    args: Annotated[list[LongText], Field(max_length=limits.terminal_arguments_max)] = Field(default_factory=list)
    is_active: Flag = False
    commands: Annotated[list[Command], Field(max_length=limits.terminal_commands_max)] = Field(default_factory=list)
    scrollback: Scrollback = ""


class TerminalState(StateRoot):
    """The terminals."""

    terminals: Annotated[list[Terminal], Field(max_length=limits.terminals_max)] = Field(default_factory=list)


class Breakpoint(StateRoot):
    """Where a debugger stops: at a line of a file, or at a function. Lines and columns count from 1."""

    path: Path | None = None
    line: LineNumber | None = None
    column: LineNumber | None = None
    function_name: Name | None = None
    condition: Text | None = None
    hit_condition: Text | None = None
    log_message: Text | None = None
    enabled: Flag = True

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.function_name is None and (self.path is None or self.line is None):
            raise ValueError("a breakpoint needs a path and a line, or a function_name")
        return self


class Note(State):
    """Something to remember that needs more than its text: why, since when, and so on."""

    text: LongText


Notes = Annotated[list[LongText | Note], Field(max_length=limits.memory_items_max)]


class Memory(StateRoot):
    """What was found out and what was decided; a text, or an object with a ``text``."""

    facts: Notes = Field(default_factory=list)
    decisions: Notes = Field(default_factory=list)
