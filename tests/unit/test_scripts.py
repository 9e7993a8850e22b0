"""constraints.txt holds pins and nothing else; the environment is made when it is missing, stale or half made."""

import importlib.util
import json
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(text: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", text, flags=re.MULTILINE))


def required(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=~! ]", requirement)[0].lower() for requirement in requirements}


def test_the_constraints_hold_names_versions_and_hashes_and_nothing_else() -> None:
    pin = r'[a-z0-9-]+==[0-9][0-9a-z.]*( ; sys_platform [!=]= "[a-z0-9]+")? \\'
    line = re.compile(rf"(# [^:]*|{pin}|    --hash=sha256:[0-9a-f]{{64}}( \\)?)")
    assert [text for text in CONSTRAINTS.splitlines() if not line.fullmatch(text)] == []
    assert all(part.count("--hash=") for part in re.split(r"^(?=[a-z0-9-]+==)", CONSTRAINTS, flags=re.MULTILINE)[1:])


def test_each_section_pins_what_the_project_asks_for() -> None:
    running, development = CONSTRAINTS.split("# --- development ---")
    project = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
    assert required(project) | {"editables"} <= names(running)
    assert required(PROJECT["dependency-groups"]["dev"]) <= names(development)
    assert not names(running) & names(development)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/environment.py on a checkout of its own, with a pip that only says what it was asked."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / "scripts" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    calls: list[str] = []
    monkeypatch.setattr(module, "calls", calls, raising=False)
    monkeypatch.setattr(module, "pip", lambda *arguments: calls.append(" ".join(arguments)))
    monkeypatch.setattr(module.venv, "EnvBuilder", lambda **_: PlayedBuilder())
    return module


class PlayedBuilder:
    def create(self, folder: Path) -> None:
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()


def test_an_environment_is_made_once(environment: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert environment.main("running") == 0
    assert "once" in capsys.readouterr().err
    assert ["--require-hashes" in call for call in environment.calls] == [True, False]
    assert environment.main("running") == 0
    assert len(environment.calls) == 2
    assert capsys.readouterr().err == ""


def test_development_adds_to_what_running_has_and_contains_it(environment: ModuleType) -> None:
    environment.main("running")
    (environment.VENV / "kept").touch()
    environment.main("development")
    assert (environment.VENV / "kept").exists()
    assert len(environment.calls) == 4
    environment.main("running")
    environment.main("development")
    assert len(environment.calls) == 4


@pytest.mark.parametrize("file", ["constraints.txt", "pyproject.toml"])
def test_other_pins_make_it_anew_and_tool_settings_do_not(environment: ModuleType, file: str) -> None:
    environment.main("running")
    path = environment.ROOT / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n[tool.other]\nx = 1\n" * (file == "pyproject.toml"), encoding="utf-8")
    environment.main("running")
    assert len(environment.calls) == 2
    path.write_text(text.replace("aiohttp", "aiohttp2"), encoding="utf-8")
    environment.main("running")
    assert len(environment.calls) == 4


def test_one_that_was_interrupted_is_made_anew(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(environment, "pip", interrupt)
        with pytest.raises(KeyboardInterrupt):
            environment.main("running")
    (environment.VENV / "rest").touch()
    assert environment.main("running") == 0
    assert not (environment.VENV / "rest").exists()


def test_a_pip_that_fails_is_told_with_the_version_of_python(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: str) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(environment, "pip", fail)
    assert environment.main("running") == 1
    assert "This is Python 3." in capsys.readouterr().err
    assert not environment.is_ready("running")


def test_the_lock_file_of_the_client_names_no_registry() -> None:
    packages = json.loads((ROOT / "packaging" / "vscode" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 100
    assert {name for name, package in packages.items() if "://" in package.get("resolved", "")} == set()
    assert all(
        "integrity" in package
        for name, package in packages.items()
        if "node_modules/@sidecar" not in name and "node_modules/" in name
    )
