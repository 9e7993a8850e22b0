"""A setting of a user: any JSON under a category and a key."""

from typing import Annotated, Self

from pydantic import StringConstraints

from sidecar import limits
from sidecar.models.base import Id, Json, Record

Category = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=limits.setting_category_chars_max)
]
# Printable ASCII: it is part of a key, and of a URL
SettingKey = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=limits.setting_key_chars_max)]


class Setting(Record):
    """One setting.

    Attributes:
        category: ``editor``, ``theme``, ``llm``, …
        key: Names it inside the category.
        value: Any JSON.
    """

    user_id: Id
    category: Category
    key: SettingKey
    value: Json

    @classmethod
    def new(cls, *, tenant_id: str, user_id: str, category: str, key: str, value: object, now_ms: int) -> Self:
        """Build a setting that is not stored yet."""
        return cls.made(tenant_id=tenant_id, now_ms=now_ms, user_id=user_id, category=category, key=key, value=value)
