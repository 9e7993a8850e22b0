"""Who calls a daemon over HTTP wherever it runs now, with a token of its own."""

import json

import aiohttp

from sidecar.endpoint import ENDPOINT_FILE
from tests.e2e.daemons import DaemonProcess


class Caller:
    """Reaches the daemon wherever it is published now, with a token of its own."""

    def __init__(self, daemon: DaemonProcess, http: aiohttp.ClientSession) -> None:
        self._folder = daemon.runtime_dirs[0]
        self.http = http

    async def paired(self) -> tuple[str, dict[str, str]]:
        """Return the URL and the headers of a fresh login."""
        url = json.loads((self._folder / ENDPOINT_FILE).read_text())["url"]
        key = {"Authorization": f"Bearer {(self._folder / 'pairing.key').read_text().strip()}"}
        async with self.http.post(f"{url}/api/v5/auth/pair", headers=key, json={}) as answer:
            return url, {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
