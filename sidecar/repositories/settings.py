"""Settings: found by user, category and key rather than by id."""

from typing import Any

from sidecar import limits
from sidecar.errors import InvalidError, VersionConflictError
from sidecar.models.changes import Change
from sidecar.models.settings import Setting
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Page, Repository
from sidecar.repositories.transactions import Reading, Writing
from sidecar.store.tuples import Items

BY_USER = Index[Setting](keys.SETTINGS_BY_USER, tails=lambda setting: [(keys.id_element(setting.user_id),)])
BY_CATEGORY = Index[Setting](keys.SETTINGS_BY_CATEGORY, tails=lambda setting: [(setting.category,)])


class Settings(Repository[Setting]):
    """The settings of the users of one tenant; ``named`` makes the identifier that ``find`` and ``delete`` take."""

    kind = "settings"
    primary = keys.SETTINGS
    model = Setting
    indexes = (BY_USER, BY_CATEGORY)
    large = True
    served_as_stored = True
    place_items = 3

    def identifier(self, record: Setting) -> str:
        """Return what a setting is named by."""
        return named(record.user_id, record.category, record.key)

    def identifier_of(self, change: Change) -> str:
        """Return what the setting that a change row tells of is named by."""
        return named(change.hint["user_id"], change.hint["category"], change.hint["key"])

    def place(self, identifier: str) -> Items:
        """Return the primary tuple of a setting."""
        user_id, _, rest = identifier.partition("/")
        category, slash, key = rest.partition("/")
        if not slash:
            raise InvalidError("A setting is named by user, category and key.")
        return keys.id_element(user_id), category, key

    def put(self, tr: Writing, setting: Setting, *, if_version: int | None = None) -> Setting:
        """Store a setting, or give the one of its name a new value and version.

        Raises:
            VersionConflictError: ``if_version`` is not the version that is stored, or nothing is.
        """
        old = self.find(tr, self.identifier(setting))
        if old is None and if_version is not None:
            raise VersionConflictError(
                f"There is no setting {setting.category}/{setting.key}, so it is not at version {if_version}."
            )
        if old is None:
            return self.create(tr, setting)
        self.check_version(old, if_version)
        return self.replace(tr, old, old, value=setting.value)

    def get_all(
        self, tr: Reading, user_id: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[Setting]:
        """Return a page of a user's settings, by category and key."""
        return self.list_by(tr, BY_USER, under=(keys.id_element(user_id),), cursor=cursor, limit=limit)

    def list_by_category(
        self, tr: Reading, category: str, *, cursor: str | None = None, limit: int = limits.page_items_default
    ) -> Page[Setting]:
        """Return a page of all users' settings of one category, by user and key."""
        return self.list_by(tr, BY_CATEGORY, under=(category,), cursor=cursor, limit=limit)

    def hint_of(self, identifier: str) -> dict[str, Any]:
        """Return the name of a setting that is gone."""
        user_id, category, key = identifier.split("/", 2)
        return {"user_id": user_id, "category": category, "key": key}

    def hint(self, record: Setting) -> dict[str, Any]:
        """Return its name; its value may be private."""
        return {"user_id": record.user_id, "category": record.category, "key": record.key}


def named(user_id: str, category: str, key: str) -> str:
    """Return the identifier of a setting."""
    return f"{user_id}/{category}/{key}"
