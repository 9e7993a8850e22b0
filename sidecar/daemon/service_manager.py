"""What the daemon tells the service manager that started it, by systemd's protocol: ready, alive, stopping.

Messages are datagrams to the socket that ``NOTIFY_SOCKET`` names; without it nothing is sent. Source: sd_notify(3).
"""

import logging
import os
import socket

from sidecar import limits
from sidecar.surroundings import NotifySocket

log = logging.getLogger(__name__)


class ServiceManager:
    """Sends our state to the manager, if there is one.

    Args:
        address: From the environment; None when nobody listens.

    Attributes:
        beat_seconds: How often it has to hear that we are alive: twice within its time.
    """

    def __init__(self, address: NotifySocket | None) -> None:
        self._address = address
        watchdog_seconds = address.watchdog_seconds if address is not None else None
        half = limits.loop_watch_interval_seconds if watchdog_seconds is None else watchdog_seconds / 2
        self.beat_seconds = min(limits.loop_watch_interval_seconds, max(limits.loop_watch_interval_seconds_min, half))
        self._is_watched = address is not None and address.watchdog_pid in (None, os.getpid())

    def ready(self, status: str) -> None:
        """Tell that requests are served."""
        self._send(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={status}")

    def stopping(self) -> None:
        """Tell that the daemon drains."""
        self._send("STOPPING=1\nSTATUS=Finishing what was begun.")

    def alive(self) -> None:
        """Tell that the event loop runs; a manager that hears nothing for too long restarts us."""
        if self._is_watched:
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None or not hasattr(socket, "AF_UNIX"):
            return
        path = self._address.path
        name = "\0" + path[1:] if path.startswith("@") else path  # an abstract socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode(), name)
        except OSError as error:
            log.warning("The service manager could not be told %s: %s.", message.partition("\n")[0], error.strerror)
