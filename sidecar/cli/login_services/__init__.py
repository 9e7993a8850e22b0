"""The platforms' ways to start the daemon at every login: one module each, chosen by ``platform_service``."""

import sys

from sidecar.cli.login_services.command import Command
from sidecar.cli.login_services.port import LoginService


def platform_service() -> LoginService:
    """Return the login service of this platform for this program as it is installed now."""
    from sidecar import config, surroundings

    command = Command.of_this_process(config.chosen_environment())
    platform: str = sys.platform  # a plain text to mypy, so that it checks every way
    if platform == "win32":
        from sidecar.cli.login_services.windows import LogonTask

        return LogonTask(command, config.load().state_dir)
    environment = surroundings.user_environment()
    if platform == "darwin":
        from sidecar.cli.login_services.launchd import LaunchAgent

        return LaunchAgent(command, environment.home / "Library" / "LaunchAgents")
    from sidecar.cli.login_services.systemd import UserUnit

    return UserUnit(command, environment.xdg_config_home or environment.home / ".config")
