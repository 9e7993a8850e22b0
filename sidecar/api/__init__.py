"""The v5 HTTP API and the push channel; the only room that knows ``aiohttp.web``."""
