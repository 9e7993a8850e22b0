"""The page of the API for people: plain HTML made from the OpenAPI document; no script, nothing from elsewhere."""

from html import escape
from typing import Any

from aiohttp import web

PAGE = web.AppKey("docs", bytes)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h2{margin:2rem 0 .5rem}details{border-top:1px solid #ddd;padding:.4rem 0}summary{cursor:pointer}
code,pre{font:13px/1.5 ui-monospace,monospace}pre{background:#f4f5f7;padding:.6rem;overflow-x:auto;white-space:pre-wrap}
b{display:inline-block;min-width:4.5rem}td,th{text-align:left;padding:.1rem .8rem .1rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#16191d}pre{background:#22272e}details{border-color:#333}}
"""


async def get(request: web.Request) -> web.Response:
    """Return the page of the API for people."""
    headers = {"Content-Security-Policy": _POLICY}
    return web.Response(body=request.app[PAGE], content_type="text/html", charset="utf-8", headers=headers)


def page(document: dict[str, Any]) -> bytes:
    """Return the page that an OpenAPI document makes."""
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            row = _operation(method.upper(), path, operation, document["components"]["responses"])
            groups.setdefault(operation["tags"][0], []).append(row)
    info = document["info"]
    body = "".join(f"<h2>{escape(noun)}</h2>{''.join(rows)}" for noun, rows in groups.items())
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sidecar API</title>'
        '<meta name="viewport" content="width=device-width"><style>'
        f"{_STYLE}</style><h1>Sidecar API, {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"{_SHELL}{body}<h2>Models</h2>{''.join(_model(*each) for each in document['components']['schemas'].items())}"
    )
    return text.encode()


_SHELL = """<p>The lines below run in a shell in which these are set; other ids are those of the answers to a POST:</p>
<pre>RUN=the folder with endpoint.json and pairing.key
URL=the url in endpoint.json
KEY=$(cat "$RUN/pairing.key")
TOKEN=the access_token in the answer to POST /api/v5/auth/pair</pre>"""


def _operation(method: str, path: str, operation: dict[str, Any], problems: dict[str, Any]) -> str:
    roles = ", ".join(operation["x-roles"])
    allowed = f"{operation['x-policy']}{f' ({roles})' if roles else ''}"
    parameters = "".join(_parameter(each) for each in operation["parameters"])
    responses = operation["responses"].items()
    answers = "".join(
        f"<tr><td>{status}<td>{escape(each['description'])} {_named(each)}"
        for status, each in ((key, problems[key] if "$ref" in each else each) for key, each in responses)
    )
    taken = _named(operation["requestBody"]) if "requestBody" in operation else "nothing"
    return (
        f"<details id={operation['operationId']}><summary><b>{method}</b><code>{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary><p>May call it: {escape(allowed)}. Takes {taken}.</p>"
        f"<table>{parameters}</table><pre>{escape(operation['x-codeSamples'][0]['source'])}</pre>"
        f"<table>{answers}</table></details>"
    )


def _parameter(parameter: dict[str, Any]) -> str:
    must = "required" if parameter["required"] else ""
    return f"<tr><td><code>{escape(parameter['name'])}</code><td>{parameter['in']}<td>{must}"


def _named(holder: dict[str, Any]) -> str:
    """Return the name of the model in a body or an answer, as a link."""
    for content in holder.get("content", {}).values():
        schema = content["schema"]
        listed = schema.get("properties", {}).get("items", {}).get("items", {})
        name = str(schema.get("$ref") or listed.get("$ref") or "").rpartition("/")[2]
        if name:
            return f'{"a page of " if listed else ""}<a href="#{escape(name)}">{escape(name)}</a>'
        return escape(str(schema.get("description", "")))
    return ""


def _model(name: str, schema: dict[str, Any]) -> str:
    fields = "".join(
        f"<tr><td><code>{escape(field)}</code><td>{escape(_kind(each))}<td>"
        f"{'required' if field in schema.get('required', ()) else ''}"
        for field, each in schema.get("properties", {}).items()
    )
    text = escape(schema.get("description", ""))
    shown = f"<summary><code>{escape(name)}</code></summary><pre>{text}</pre><table>{fields}</table>"
    return f"<details id={escape(name)}>{shown}</details>"


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", schema.get("const", "any JSON")))
