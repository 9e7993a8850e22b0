"""The HTTP client of the CLI: finds the daemon, makes it prove itself, and speaks the v5 API to it.

Besides ``api``, the only room that knows aiohttp.
"""

from sidecar.client.answers import JsonObject, error_of
from sidecar.client.connection import Client, connect, version_at
from sidecar.client.logins import KeptLogin, UserTokens

__all__ = ["Client", "JsonObject", "KeptLogin", "UserTokens", "connect", "error_of", "version_at"]
