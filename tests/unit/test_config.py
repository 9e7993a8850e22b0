import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from sidecar import config, surroundings
from sidecar.daemon.store import engine_options
from sidecar.errors import InvalidError
from sidecar.store.options import EngineOptions


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [*os.environ]:  # noqa: TID251 - the module under test reads it
        if name.startswith(("SIDECAR_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write_config(home: Path, text: str) -> Path:
    folder = home / "side" / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return folder / "config.toml"


@pytest.fixture
def below(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_HOME", str(home / "side"))
    return home / "side"


def test_one_variable_puts_every_folder_below_one_place(below: Path) -> None:
    settings = config.load()
    assert settings.config_file == below / "config" / "config.toml"
    assert settings.data_dir == below / "data"
    assert settings.state_dir == below / "state"
    assert settings.log_file == below / "log" / "sidecar.log"
    assert settings.runtime_dir == below / "run"
    assert settings.store == f"embedded:{below / 'data' / 'store'}"


@pytest.mark.usefixtures("below")
def test_flags_beat_the_environment_which_beats_the_file_which_beats_the_default(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.load().port == 7370
    write_config(home, "port = 1\n")
    assert config.load().port == 1
    monkeypatch.setenv("SIDECAR_PORT", "2")
    assert config.load().port == 2
    assert config.load({"port": 3}).port == 3
    assert config.load({"port": None}).port == 2


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_PORT", "")
    assert config.load().port == 7370


def test_a_folder_alone_can_be_moved_and_the_store_goes_with_its_data(
    home: Path, below: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_DATA_DIR", "~/elsewhere")
    settings = config.load()
    assert settings.data_dir == home / "elsewhere"
    assert settings.store == f"embedded:{home / 'elsewhere' / 'store'}"
    assert settings.log_dir == below / "log"


def test_relative_folders_become_absolute(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("SIDECAR_HOME", "near")
    monkeypatch.setenv("SIDECAR_LOG_DIR", "../logs")
    settings = config.load({"store": "embedded:store"})
    assert settings.data_dir == home / "near" / "data"
    assert settings.log_dir == home.parent / "logs"
    assert settings.store == f"embedded:{home / 'store'}"
    assert config.load({"store": "embedded:~/store"}).store == f"embedded:{home / 'store'}"


@pytest.mark.usefixtures("below")
def test_relative_paths_in_the_file_count_from_its_folder(home: Path) -> None:
    file = write_config(home, 'data_dir = "../mine"\nlog_dir = "~/logs"\nstore = "fdb:fdb.cluster"\n')
    settings = config.load()
    assert settings.data_dir == file.parent.parent / "mine"
    assert settings.log_dir == home / "logs"
    assert settings.store == f"fdb:{file.parent / 'fdb.cluster'}"


@pytest.mark.usefixtures("below")
def test_tls_for_a_cluster_is_told_to_the_engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine_options(config.load()) == EngineOptions()
    file = write_config(home, 'fdb_tls_ca_file = "ca.pem"\nfdb_tls_verify_peers = "Check.Valid=1"\n')
    monkeypatch.setenv("SIDECAR_FDB_TLS_CERTIFICATE_FILE", "~/cert.pem")
    monkeypatch.setenv("SIDECAR_FDB_TLS_KEY_FILE", "/key.pem")
    assert engine_options(config.load()) == EngineOptions(
        tls_certificate_file=home / "cert.pem",
        tls_key_file=Path("/key.pem"),
        tls_ca_file=file.parent / "ca.pem",
        tls_verify_peers="Check.Valid=1",
    )


@pytest.mark.usefixtures("below")
def test_a_relative_path_is_written_as_what_it_means_where_it_is_set(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    config.write("data_dir", "mine")
    config.write("store", "embedded:theirs")
    monkeypatch.chdir("/")
    settings = config.load()
    assert (settings.data_dir, settings.store) == (home / "mine", f"embedded:{home / 'theirs'}")


@pytest.mark.usefixtures("below")
@pytest.mark.parametrize(
    ("line", "key", "accepted"),
    [
        ("port = 70000", "port", "0 to 65535"),
        ("port = true", "port", "0 to 65535"),
        ('port = "many"', "port", "0 to 65535"),
        ('host = "0.0.0.0"', "host", "127.0.0.1"),
        ('log_level = "loud"', "log_level", "debug, info, warning, error"),
        ('store = "sqlite:x"', "store", "embedded:FOLDER or fdb:CLUSTER_FILE"),
        ("data_dir = 3", "data_dir", "the path of a folder"),
        ('data_dir = ""', "data_dir", "the path of a folder"),
        ('log_dir = "a\\u0000b"', "log_dir", "the path of a folder"),
        ('log_dir = "~nobody-of-this-name/x"', "log_dir", "the path of a folder"),
        ('store = "embedded:a\\u0000b"', "store", "embedded:FOLDER or fdb:CLUSTER_FILE"),
    ],
)
def test_a_wrong_value_in_the_file_names_the_file_the_key_and_what_is_accepted(
    home: Path, line: str, key: str, accepted: str
) -> None:
    file = write_config(home, line + "\n")
    with pytest.raises(InvalidError) as caught:
        config.load()
    assert str(file) in caught.value.message
    assert f"{key} = " in caught.value.message
    assert accepted in caught.value.message
    assert caught.value.details == {"source": str(file), "key": key}


def test_a_wrong_variable_is_named_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_PORT", "x")
    with pytest.raises(InvalidError, match="environment: SIDECAR_PORT = 'x' is not accepted; give a whole number"):
        config.load()


def test_a_home_of_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_HOME", "~nobody-of-this-name")
    with pytest.raises(InvalidError, match="SIDECAR_HOME"):
        config.load()


def test_a_wrong_flag_is_named() -> None:
    with pytest.raises(InvalidError, match="command line: port = 99999"):
        config.load({"port": 99_999})


@pytest.mark.usefixtures("below")
def test_an_unknown_key_lists_the_known_ones(home: Path) -> None:
    write_config(home, "prot = 1\n")
    with pytest.raises(InvalidError, match=r"config\.toml: prot is not a setting; there are: .*port"):
        config.load()


@pytest.mark.usefixtures("below")
@pytest.mark.parametrize("key", ["home", "config_dir"])
def test_what_decides_where_the_file_is_can_not_be_set_in_it(home: Path, key: str) -> None:
    write_config(home, f'{key} = "/x"\n')
    with pytest.raises(InvalidError, match=f"SIDECAR_{key.upper()}"):
        config.load()


@pytest.mark.usefixtures("below")
@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(home: Path, content: bytes) -> None:
    file = write_config(home, "")
    file.write_bytes(content)
    with pytest.raises(InvalidError, match=r"config\.toml can not be read"):
        config.load()


def test_settings_can_not_be_changed() -> None:
    settings = config.load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc] # that it is refused is the point


def test_every_setting_says_what_it_is_and_what_it_accepts() -> None:
    for name, field in config.Settings.model_fields.items():
        assert field.description, name
        if name != "home":
            assert isinstance(field.json_schema_extra, dict), name
            assert field.json_schema_extra["accepts"], name


def test_without_a_session_the_runtime_folder_is_below_the_state(home: Path) -> None:
    settings = config.load()
    assert settings.runtime_dir == settings.state_dir / "run"
    assert home in settings.state_dir.parents


def test_a_session_runtime_folder_of_ours_is_used_and_clients_look_in_both_places(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "session").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "session"))
    settings = config.load()
    assert settings.runtime_dirs == (home / "session" / "sidecar", settings.state_dir / "run")


@pytest.mark.parametrize("value", ["/proc/self/fd/none", "relative", "/etc/hostname", ""])
def test_a_session_runtime_folder_that_is_none_is_passed_over(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    settings = config.load()
    assert settings.runtime_dir == settings.state_dir / "run"


def test_a_session_runtime_folder_of_another_user_is_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    settings = config.load()
    assert settings.runtime_dir == settings.state_dir / "run"


def test_git_is_told_of_the_users_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert surroundings.user_environment() == (home, None)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert surroundings.user_environment() == (home, home / "xdg")


@pytest.mark.usefixtures("below")
def test_each_setting_is_told_with_where_it_comes_from(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_config(home, "port = 1\n")
    monkeypatch.setenv("SIDECAR_LOG_LEVEL", "debug")
    told = {key: (value, source) for key, value, source in config.explain()}
    assert told.keys() == config.Settings.model_fields.keys()
    assert told["port"] == (1, str(file))
    assert told["log_level"] == ("debug", "environment")
    assert told["host"] == ("127.0.0.1", "default")
    assert told["store"] == (f"embedded:{home / 'side' / 'data' / 'store'}", "default")


@pytest.mark.usefixtures("below")
def test_a_setting_is_written_and_what_else_stands_in_the_file_is_kept(home: Path) -> None:
    file = write_config(home, '# mine\nport = 1 # one # and only\nlog_dir = "/tmp/#x"\t# "here"\n')
    assert config.write("port", "2") == file
    assert config.write("data_dir", '/odd/"name"\\\twith\x7f') == file
    assert config.write("log_dir", "/odd/#y") == file
    text = file.read_text(encoding="utf-8")
    assert text.startswith('# mine\nport = 2 # one # and only\nlog_dir = "/odd/#y"\t# "here"\n')
    settings = config.load()
    assert (settings.port, str(settings.data_dir)) == (2, '/odd/"name"\\\twith\x7f')


def test_the_first_setting_makes_the_file(below: Path) -> None:
    assert config.write("log_level", "debug") == below / "config" / "config.toml"
    assert config.load().log_level == "debug"


@pytest.mark.usefixtures("below")
@pytest.mark.parametrize(("key", "value"), [("port", "x"), ("prot", "1"), ("home", "/x"), ("host", "0.0.0.0")])  # noqa: S104 - refused
def test_a_wrong_setting_is_not_written(home: Path, key: str, value: str) -> None:
    file = write_config(home, "port = 1\n")
    with pytest.raises(InvalidError):
        config.write(key, value)
    assert file.read_text(encoding="utf-8") == "port = 1\n"


@pytest.mark.usefixtures("below")
def test_a_wrong_value_in_the_file_can_be_put_right(home: Path) -> None:
    write_config(home, "port = 99999\n")
    config.write("port", "5")
    assert config.load().port == 5


@pytest.mark.usefixtures("below")
def test_writing_keeps_a_link_and_the_files_mode(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "sidecar.toml"
    kept.parent.mkdir()
    kept.write_text("port = 1\n", encoding="utf-8")
    kept.chmod(0o600)
    file = write_config(home, "")
    file.unlink()
    file.symlink_to(kept)
    config.write("port", "2")
    assert file.is_symlink()
    assert (kept.read_text(encoding="utf-8"), kept.stat().st_mode & 0o777) == ("port = 2\n", 0o600)


@pytest.mark.usefixtures("below")
def test_a_file_that_a_program_can_not_change_is_left_to_a_person(home: Path) -> None:
    file = write_config(home, '"port" = 1\n')
    with pytest.raises(InvalidError, match=r"config\.toml"):
        config.write("port", "2")
    assert file.read_text(encoding="utf-8") == '"port" = 1\n'


@pytest.mark.usefixtures("below")
def test_a_setting_is_written_as_the_lines_of_its_file_end(home: Path) -> None:
    file = write_config(home, "")
    file.write_bytes(b"# mine\xe2\x80\xa8port = 3\r\nport = 1 # one\r\n")
    config.write("port", "2")
    config.write("log_level", "debug")
    assert file.read_bytes() == b'# mine\xe2\x80\xa8port = 3\r\nport = 2 # one\r\nlog_level = "debug"\r\n'


def test_a_service_manager_is_found_by_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert surroundings.notify_socket() is None
    monkeypatch.setenv("NOTIFY_SOCKET", "@abstract")
    monkeypatch.setenv("WATCHDOG_PID", "12")
    assert surroundings.notify_socket() == ("@abstract", 12, None)
    monkeypatch.setenv("NOTIFY_SOCKET", "relative")
    assert surroundings.notify_socket() is None


def test_what_another_process_needs_for_the_same_settings_is_told(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_OTHER", "x")
    assert config.chosen_environment() == {"SIDECAR_HOME": str(below)}
    monkeypatch.chdir(below.parent)
    monkeypatch.setenv("SIDECAR_HOME", below.name)
    monkeypatch.setenv("SIDECAR_STORE", "embedded:store")
    monkeypatch.setenv("SIDECAR_PORT", "1")
    assert config.chosen_environment() == {
        "SIDECAR_HOME": str(below),
        "SIDECAR_STORE": f"embedded:{below.parent / 'store'}",
        "SIDECAR_PORT": "1",
    }


def test_another_process_with_what_it_is_told_has_the_same_folders(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name))
    (home / "CONFIG" / "sidecar").mkdir(parents=True)
    (home / "CONFIG" / "sidecar" / "config.toml").write_text('log_dir = "logs"\n', encoding="utf-8")
    here, told = config.load(), config.chosen_environment()
    assert here.log_dir == home / "CONFIG" / "sidecar" / "logs"
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME")
    assert config.load() != here
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert config.load() == here


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("HOME", "default: "),
        ("SIDECAR_HOME", "environment: SIDECAR_HOME = "),
        ("SIDECAR_LOG_DIR", "environment: SIDECAR_LOG_DIR = "),
        ("SIDECAR_STORE", "environment: SIDECAR_STORE = "),
    ],
)
def test_what_is_not_utf_8_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, told: str) -> None:
    monkeypatch.setenv(variable, "/h\udcff")
    with pytest.raises(
        InvalidError, match=rf"^{told}.*'/h\\udcff.*' is not UTF-8, as every setting has to be\."
    ) as caught:
        config.load()
    assert ("Set SIDECAR_HOME" in caught.value.message) == (variable == "HOME")


@pytest.mark.usefixtures("below")
def test_a_value_that_no_file_can_hold_is_not_written() -> None:
    with pytest.raises(InvalidError, match=r"config\.toml: log_dir = '/odd/x\\udcff' is not UTF-8"):
        config.write("log_dir", "/odd/x\udcff")
    assert not config.load().config_file.exists()
