"""Settings: defaults < ``config.toml`` < ``SIDECAR_*`` < flags. The rest of the environment is for ``surroundings``.

Made once by the CLI (or a test) and handed to ``daemon.wiring``; the rooms below take values, never a ``Settings``.
"""

import os
import stat
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from sidecar.drafts import PRIVATE, replace_file
from sidecar.errors import InvalidError, UnavailableError
from sidecar.toml import with_value

CONFIG_FILE = "config.toml"
ENVIRONMENT_PREFIX = "SIDECAR_"

_STORES = ("embedded:", "fdb:")
_XDG_HOMES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")  # of the default folders, and of git's excludes
_PLACES = frozenset({"home", "config_dir"})  # they decide where config.toml is
LogLevel = Literal["debug", "info", "warning", "error"]
LoopbackHost = Literal["127.0.0.1", "::1"]


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(_expanded(path)))  # noqa: PTH100 - resolve() would follow links that may come later


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:  # there is no such user
        raise ValueError(str(error)) from error


def _named(value: object) -> object:
    """Refuse what names no place: it would be taken for the present folder, or be refused by the system."""
    if isinstance(value, str) and (not value.strip() or "\0" in value):
        raise ValueError("no path")
    return value


def _store_absolute(url: str) -> str:
    return _store_below(Path.cwd(), url)


def _store_below(folder: Path, url: str) -> str:
    scheme, colon, place = url.partition(":")
    return f"{scheme}{colon}{_absolute(folder / _expanded(Path(place)))}"


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):  # which pydantic would take for 0 or 1
        raise ValueError("not a number")  # noqa: TRY004 - pydantic's word for a wrong value
    return value


def _accepts(text: str) -> JsonDict:
    """Say in words which values a setting takes; an error repeats it."""
    return {"accepts": text}


_PEM = _accepts("the path of a PEM file")
File = Annotated[Path, BeforeValidator(_named), AfterValidator(_absolute)]
Folder = Annotated[
    Path, BeforeValidator(_named), AfterValidator(_absolute), Field(json_schema_extra=_accepts("the path of a folder"))
]


class Settings(BaseSettings):
    """Every setting, with its type, default and meaning."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid", frozen=True)

    home: Folder | None = Field(default=None, description="Puts all folders below this one. Environment only.")
    config_dir: Folder = Field(description="Where config.toml lies. Environment only.")
    data_dir: Folder = Field(description="The store, unless `store` says otherwise, and the lock.")
    state_dir: Folder = Field(description="What can be made anew.")
    log_dir: Folder = Field(description="The log files.")
    runtime_dir: Folder = Field(description="endpoint.json and pairing.key of the running daemon.")
    store: Annotated[str, BeforeValidator(_named), AfterValidator(_store_absolute)] = Field(
        pattern=r"^(embedded|fdb):.",
        description="Where records are kept.",
        json_schema_extra=_accepts("embedded:FOLDER or fdb:CLUSTER_FILE"),
    )
    fdb_tls_certificate_file: File | None = Field(
        default=None,
        description="Our certificate for a FoundationDB cluster, PEM.",
        json_schema_extra=_PEM,
    )
    fdb_tls_key_file: File | None = Field(
        default=None, description="The private key of that certificate, PEM.", json_schema_extra=_PEM
    )
    fdb_tls_ca_file: File | None = Field(
        default=None, description="Who may sign the cluster's certificates, PEM.", json_schema_extra=_PEM
    )
    fdb_tls_verify_peers: str | None = Field(
        default=None,
        min_length=1,
        description="What the cluster's certificates have to say, as FoundationDB writes it.",
        json_schema_extra=_accepts("FoundationDB's words, for example Check.Valid=1"),
    )
    host: LoopbackHost = Field(
        default="127.0.0.1",
        description="The address to listen on.",
        json_schema_extra=_accepts("127.0.0.1 or ::1 (an address that others can reach needs TLS, which is not there)"),
    )
    port: Annotated[int, BeforeValidator(_no_boolean)] = Field(
        default=7370,
        ge=0,
        le=65_535,
        description="The port to listen on; 0 takes any free one.",
        json_schema_extra=_accepts("a whole number from 0 to 65535"),
    )
    log_level: LogLevel = Field(
        default="info",
        description="The least severity that is logged.",
        json_schema_extra=_accepts(", ".join(get_args(LogLevel))),
    )

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - pydantic-settings' signature
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the same
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes them all
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes them all
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes them all
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what ``load`` gives: it merges the sources itself, to know where a wrong value came from."""
        return (init_settings,)

    @property
    def config_file(self) -> Path:
        """The file that these settings may be written in."""
        return self.config_dir / CONFIG_FILE

    @property
    def log_file(self) -> Path:
        """The file that the daemon and the CLI log to."""
        return self.log_dir / "sidecar.log"

    @property
    def runtime_dirs(self) -> tuple[Path, ...]:
        """Where a daemon publishes itself, and a client looks for it, in this order.

        The second is for who has been started without the session's runtime folder (by cron, say), or has lost it.
        """
        return (self.runtime_dir, self.state_dir / "run")

    @property
    def own_dirs(self) -> tuple[Path, ...]:
        """Where the daemon itself writes: whoever watches a folder above must not follow its own writing."""
        scheme, _, place = self.store.partition(":")
        store = (Path(place),) if scheme == "embedded" else ()
        return (self.data_dir, self.state_dir, self.log_dir, *self.runtime_dirs, *store)


class Source(NamedTuple):
    """One place that settings came from: its name for a person, and the values."""

    name: str
    values: Mapping[str, object]

    def spell(self, key: str) -> str:
        """Return how a key is written in this place."""
        return ENVIRONMENT_PREFIX + key.upper() if self.name == "environment" else key


def chosen_environment() -> dict[str, str]:
    """Return the variables that settings of this process come from, for another process that is to have the same.

    Paths are absolute: the other process may run in another folder.
    """
    settings = load()
    names = {ENVIRONMENT_PREFIX + name.upper(): name for name in Settings.model_fields}
    ours = {each: str(getattr(settings, names[each])) for each, value in os.environ.items() if each in names and value}
    return ours | {name: value for name in _XDG_HOMES if (value := os.environ.get(name, "")).startswith("/")}


def load(flags: Mapping[str, object] | None = None) -> Settings:
    """Read every source and return the settings.

    Args:
        flags: What the command line gave; None values are left out.

    Raises:
        InvalidError: A value is wrong; the message names where it stands, its key and what is accepted.
    """
    return _checked(_sources(flags))


def explain() -> list[tuple[str, str | int, str]]:
    """Return each setting's key, its value, and where the value comes from: a name, or a file's path."""
    sources = _sources()
    settings = _checked(sources)
    found = []
    for name in Settings.model_fields:
        value = getattr(settings, name)
        source = next((each.name for each in reversed(sources) if name in each.values), "default")
        found.append((name, value if isinstance(value, int) else "" if value is None else str(value), source))
    return found


def writable() -> dict[str, str]:
    """Return the meaning of each key that ``config.toml`` may hold."""
    return {name: field.description or "" for name, field in Settings.model_fields.items() if name not in _PLACES}


def write(key: str, value: str) -> Path:
    """Set a key in ``config.toml`` and return the file; what else stands there, also comments, is kept.

    Raises:
        InvalidError: There is no such key, or the value is wrong; nothing is written.
        UnavailableError: The file can not be written.
    """
    file = _sources_file()
    _check_key(key, file)
    accepted = getattr(_checked([*_sources(), Source(str(file), {key: value})]), key)
    typed = accepted if isinstance(accepted, int) else str(accepted)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = with_value(file.read_bytes().decode() if file.exists() else "", key, typed)
        if text is None:
            raise InvalidError(f"{file} is written in a way that can not be changed by a program; set {key} by hand.")
        target = file.resolve()  # a link to where somebody keeps all their settings stays one
        replace_file(target, text.encode(), mode=stat.S_IMODE(target.stat().st_mode) if target.exists() else PRIVATE)
    except OSError as error:
        raise UnavailableError(f"{file} can not be written: {error.strerror}.") from error
    return file


def _sources_file() -> Path:
    """Return the path of ``config.toml``, even when what stands in it is wrong."""
    environment = EnvSettingsSource(Settings, env_ignore_empty=True)()
    return Path(str(_folders(environment)["config_dir"])) / CONFIG_FILE


def _sources(flags: Mapping[str, object] | None = None) -> list[Source]:
    """Return all sources, the weakest first."""
    flag_values = {key: value for key, value in (flags or {}).items() if value is not None}
    # Empty variables count as unset, as everywhere in a shell.
    environment = EnvSettingsSource(Settings, env_ignore_empty=True)()
    chosen = {**environment, **flag_values}
    folders = _folders(chosen)
    file = Path(str(folders["config_dir"])) / CONFIG_FILE
    return [
        Source("default", folders),
        Source(str(file), {key: _from_file(key, value, file.parent) for key, value in _read_file(file).items()}),
        Source("environment", environment),
        Source("command line", flag_values),
    ]


def _checked(sources: list[Source]) -> Settings:
    for source in reversed(sources):
        _check_text(source)
    merged = {key: value for source in sources for key, value in source.values.items()}
    merged.setdefault("store", f"embedded:{Path(str(merged['data_dir'])) / 'store'}")
    try:
        return Settings(**merged)  # type: ignore[arg-type] # pydantic checks what the sources hold
    except ValidationError as error:
        raise _explain(error, sources) from error


def _check_text(source: Source) -> None:
    """Refuse bytes that are not UTF-8: neither a TOML file nor an answer of the API could hold them."""
    for key, value in source.values.items():
        try:
            str(value).encode()
        except UnicodeEncodeError:
            advice = " Set SIDECAR_HOME to a folder for Sidecar's data." if source.name == "default" else ""
            told = f"{source.name}: {source.spell(key)} = {str(value)!a}"
            raise InvalidError(
                f"{told} is not UTF-8, as every setting has to be.{advice}",
                details={"source": source.name, "key": key},
            ) from None


def _folders(chosen: Mapping[str, object]) -> dict[str, object]:
    """Return the default folders: below ``home`` when it is given, else where the platform keeps such things."""
    if chosen.get("home"):
        try:
            home = _absolute(Path(str(chosen["home"])))
        except ValueError as error:
            raise InvalidError(f"{ENVIRONMENT_PREFIX}HOME = {chosen['home']!r} is not accepted: {error}") from error
        below: dict[str, object] = {f"{name}_dir": home / name for name in ("config", "data", "state", "log")}
        return below | {"runtime_dir": home / "run", "config_dir": chosen.get("config_dir") or home / "config"}
    platform = platformdirs.PlatformDirs("sidecar", appauthor=False)
    state = Path(platform.user_state_dir)
    if not state.is_absolute():
        raise InvalidError("This account has no home folder: set HOME, or SIDECAR_HOME to a folder for Sidecar's data.")
    return {
        "config_dir": chosen.get("config_dir") or Path(platform.user_config_dir),
        "data_dir": Path(platform.user_data_dir),
        "state_dir": state,
        "log_dir": Path(platform.user_log_dir),
        "runtime_dir": _session_runtime_dir(platform) or Path(str(chosen.get("state_dir") or state)) / "run",
    }


def _session_runtime_dir(platform: platformdirs.PlatformDirs) -> Path | None:
    """Return the login session's runtime folder for us, or None when there is none that is truly ours.

    platformdirs would fall back to a guessable name in a folder that everybody can write to.
    """
    if sys.platform in ("win32", "darwin"):
        return Path(platform.user_runtime_dir)
    parent = os.environ.get("XDG_RUNTIME_DIR", "")
    try:
        status = os.stat(parent) if parent.startswith("/") else None  # noqa: PTH116 - one call answers all
    except OSError:
        return None
    if status is None or not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return None
    return Path(parent) / "sidecar" if os.access(parent, os.W_OK | os.X_OK) else None


def _read_file(file: Path) -> dict[str, object]:
    """Return what ``config.toml`` holds; an absent file holds nothing."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidError(f"{file} can not be read: {error}.") from error
    for key in values:
        _check_key(key, file)
    return values


def _from_file(key: str, value: object, folder: Path) -> object:
    """Let a relative path count from the file's folder: the file is read from any."""
    if not isinstance(value, str):
        return value
    if key == "store":
        return _store_below(folder, value) if value.startswith(_STORES) else value
    if not key.endswith(("_dir", "_file")) or not value.strip():
        return value
    return value if value.startswith("~") else str(folder / value)


def _check_key(key: str, file: Path) -> None:
    if key in _PLACES:
        variable = ENVIRONMENT_PREFIX + key.upper()
        raise InvalidError(f"{file}: {key} decides where this file is, so it can only be set by {variable}.")
    if key not in Settings.model_fields:
        raise InvalidError(f"{file}: {key} is not a setting; there are: {', '.join(writable())}.")


def _explain(error: ValidationError, sources: list[Source]) -> InvalidError:
    """Say in one sentence which value is wrong, where it stands and what would be right."""
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0])
    source = next((source for source in reversed(sources) if key in source.values), sources[0])
    field = Settings.model_fields.get(key)
    extra = field.json_schema_extra if field else None
    accepts = extra.get("accepts") if isinstance(extra, dict) else None
    value = source.values.get(key)
    return InvalidError(
        f"{source.name}: {source.spell(key)} = {value!r} is not accepted; give {accepts or first['msg']}.",
        details={"source": source.name, "key": key},
    )
