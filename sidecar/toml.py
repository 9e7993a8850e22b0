"""Setting a value in the text of a TOML file that a person writes too: what else stands there stays. For ``config``."""

import json
import tomllib


def with_value(text: str, key: str, value: str | int) -> str | None:
    """Return the text with ``key = value`` at its top level, in place of what it had, or at the end.

    Comments stay, also the one behind the value, and so does how lines end. None when that can not be done by lines:
    the value spans several, say.
    """
    line = f"{key} = {value if isinstance(value, int) else _quoted(value)}"
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    place = next((n for n, each in enumerate(lines) if each.partition("=")[0].strip() == key), None)
    if place is None:
        lines.append(line)
    else:
        lines[place] = line + _comment(lines[place])
    changed = newline.join(lines) + newline
    try:
        is_right = tomllib.loads(changed) == {**tomllib.loads(text), key: value}
    except tomllib.TOMLDecodeError:
        return None
    return changed if is_right else None


def _comment(line: str) -> str:
    """Return the comment behind a line's value, with the blanks before it."""
    for at, character in enumerate(line):
        if character == "#":
            try:
                tomllib.loads(line[:at])
            except tomllib.TOMLDecodeError:  # inside a string
                continue
            return line[len(line[:at].rstrip()) :]
    return ""


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
