"""Watched roots."""

from typing import Any

from sidecar.models.workspaces import Workspace
from sidecar.repositories import keys
from sidecar.repositories.base import Index, Repository
from sidecar.repositories.transactions import Reading

BY_PATH = Index[Workspace](
    keys.WORKSPACES_BY_PATH, tails=lambda workspace: [(keys.workspace_element(workspace.path),)], unique=True
)


class Workspaces(Repository[Workspace]):
    """The workspaces of one tenant."""

    kind = "workspaces"
    primary = keys.WORKSPACES
    model = Workspace
    indexes = (BY_PATH,)
    served_as_stored = True

    def find_by_path(self, tr: Reading, path: str) -> Workspace | None:
        """Return the workspace at an absolute path, or None."""
        return self.find_by(tr, BY_PATH, (keys.workspace_element(path),))

    def hint(self, record: Workspace) -> dict[str, Any]:
        """Return its path."""
        return {"workspace_path": record.path}
