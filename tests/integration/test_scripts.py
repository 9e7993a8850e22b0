"""What can only be seen of our scripts where they run."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_without_node_the_client_is_passed_over_in_one_line(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "cat"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    done = subprocess.run(
        ["bash", ROOT / "scripts" / "client"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert done.stderr == (
        "The TypeScript client in packaging/vscode is not tested: there is no node with npm on the PATH.\n"
    )
    assert '. "$root/scripts/node.sh"' in (ROOT / "scripts" / "test").read_text(encoding="utf-8")
