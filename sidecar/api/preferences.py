"""What a client prefers of an answer's form: ``Prefer: return=minimal`` (RFC 7240), and gzip."""

import re
from http import HTTPStatus

from aiohttp import hdrs, web

from sidecar import limits

_CHANGING = frozenset({"POST", "PUT", "PATCH"})
_SHORTENED = frozenset({HTTPStatus.OK.value, HTTPStatus.CREATED.value})
_NO_WEIGHT = re.compile(r"q=0(\.0*)?")


def wants_minimal(request: web.Request) -> bool:
    """Tell whether a client wants to hear of its change no more than that it was made."""
    preferred = ",".join(request.headers.getall("Prefer", ())).replace(" ", "").lower()
    return "return=minimal" in preferred.split(",")


def minimal_answer(status: HTTPStatus, version: int, location: str | None = None) -> web.Response:
    """Return what is left of a record's answer: 204, or 201 where it is new, its ETag and its place."""
    kept = status if status is HTTPStatus.CREATED else HTTPStatus.NO_CONTENT
    headers = {"ETag": f'"{version}"', "Preference-Applied": "return=minimal"}
    return web.Response(status=kept, headers=headers | ({"Location": location} if location else {}))


def takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding (RFC 9110, 12.5.3) takes gzip: by name or by ``*``, and with a weight."""
    codings = dict(each.replace(" ", "").partition(";")[::2] for each in accepted.lower().split(","))
    weight = codings.get("gzip", codings.get("*"))
    return weight is not None and _NO_WEIGHT.fullmatch(weight) is None


def shaped(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Give an answer the form that its client prefers."""
    if not isinstance(response, web.Response) or response.prepared:
        return response
    if request.method in _CHANGING and hdrs.ETAG in response.headers and wants_minimal(request):
        response = _shortened(response)
    if isinstance(response.body, bytes) and len(response.body) >= limits.gzip_bytes_min:
        response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        accepted = request.headers.getall(hdrs.ACCEPT_ENCODING, None)
        if accepted is not None and takes_gzip(",".join(accepted)):
            response.enable_compression(web.ContentCoding.gzip)
    return response


def _shortened(response: web.Response) -> web.Response:
    if response.status not in _SHORTENED or not response.body:
        return response
    version = int(response.headers[hdrs.ETAG].strip('"'))
    return minimal_answer(HTTPStatus(response.status), version, response.headers.get(hdrs.LOCATION))
