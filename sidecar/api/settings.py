"""The caller's settings: any JSON under a category and a key."""

from http import HTTPStatus

from aiohttp import web

from sidecar.api.context import CALLER, CONTEXT
from sidecar.api.requests import PageQuery, body, if_match, page_answer, query, record_answer, tenant_of, text_answer
from sidecar.errors import NotFoundError
from sidecar.models.base import Json, Value
from sidecar.models.settings import Setting
from sidecar.repositories import settings as stored
from sidecar.repositories.codec import served
from sidecar.repositories.keys import id_element
from sidecar.repositories.settings import Settings, named


class SettingBody(Value):
    """The value to keep."""

    value: Json


async def list_all(request: web.Request) -> web.Response:
    """List the caller's settings, by category and key."""
    asked, settings = query(request, PageQuery), Settings(tenant_of(request))
    under = (id_element(request[CALLER].principal.user_id),)
    page = await request.app[CONTEXT].database.read(
        lambda tr: settings.page_served(tr, stored.BY_USER, under=under, cursor=asked.cursor, limit=asked.limit)
    )
    return page_answer(page.items, page.next_cursor)


async def get(request: web.Request) -> web.Response:
    """Return one of the caller's settings."""
    settings, identifier = Settings(tenant_of(request)), _named(request)
    text = await request.app[CONTEXT].database.read(lambda tr: settings.find_json(tr, identifier))
    if text is None:
        raise NotFoundError("There is no such setting.")
    return text_answer(served(text))


async def put(request: web.Request) -> web.Response:
    """Store one of the caller's settings."""
    sent, settings, version = await body(request, SettingBody), Settings(tenant_of(request)), if_match(request)
    match, user_id = request.match_info, request[CALLER].principal.user_id
    new = Setting.new(
        tenant_id=settings.tenant.tenant_id,
        user_id=user_id,
        category=match["category"],
        key=match["key"],
        value=sent.value,
        now_ms=request.app[CONTEXT].database.clock.now_ms(),
    )
    kept = await request.app[CONTEXT].database.transact(lambda tr: settings.put(tr, new, if_version=version))
    return record_answer(kept, HTTPStatus.CREATED if kept.version == 1 else HTTPStatus.OK)


async def remove(request: web.Request) -> web.Response:
    """Delete one of the caller's settings."""
    settings, identifier, version = Settings(tenant_of(request)), _named(request), if_match(request)
    await request.app[CONTEXT].database.transact(lambda tr: settings.delete(tr, identifier, if_version=version))
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _named(request: web.Request) -> str:
    return named(request[CALLER].principal.user_id, request.match_info["category"], request.match_info["key"])
