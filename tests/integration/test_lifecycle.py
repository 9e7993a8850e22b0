import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.daemon.lifecycle import InstanceLock, is_held
from sidecar.errors import AlreadyRunningError


def test_the_lock_ends_with_its_process_and_the_file_it_leaves_is_no_obstacle(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from sidecar.daemon.lifecycle import InstanceLock\n"
        "lock = InstanceLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_held(tmp_path)
        with pytest.raises(AlreadyRunningError, match=f"process {holder.pid} "):
            InstanceLock(tmp_path).acquire()
        holder.kill()
    assert not is_held(tmp_path)
    with InstanceLock(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
