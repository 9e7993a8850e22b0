"""How long a start takes until requests are served, with a full store, and what an idle daemon costs.

``scripts/bench start [--files 80000] [--runs 7] [--idle 30]``. The bar is four times the import of two libraries.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.002
_FILES_A_FOLDER = 100


def main(arguments: list[str]) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=80_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.make_files(asked.files)
        with bench.daemon():
            bench.wait_until_watched()
        imports, starts = [], []
        for _ in range(asked.runs):
            imports.append(timed(bench.import_libraries))
            starts.append(bench.time_start())
        bare, start = statistics.median(imports), statistics.median(starts)
        print(f"import aiohttp, pydantic          {bare * 1000:8.0f} ms")
        print(f"start to /readyz, {asked.files:,} files  {start * 1000:8.0f} ms   {start / bare:.1f} x (bar: 4 x)")
        bench.show_idle(asked.idle)
    return 0


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class _Running:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def __enter__(self) -> "subprocess.Popen[bytes]":
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Bench:
    """A home, a workspace and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.home, self.workspace = folder / "home", folder / "workspace"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}  # noqa: TID251 - a child's
        self.environment = {**inherited, "SIDECAR_HOME": str(self.home), "SIDECAR_PORT": str(self.port)}

    def make_files(self, count: int) -> None:
        """Fill the workspace."""
        for number in range(count):
            folder = self.workspace / f"folder-{number // _FILES_A_FOLDER:04}"
            if number % _FILES_A_FOLDER == 0:
                folder.mkdir(parents=True)
            (folder / f"file-{number:06}.txt").write_text(f"{number}\n", encoding="ascii")

    def import_libraries(self) -> None:
        """Start the interpreter with the two libraries that a start can not do without."""
        subprocess.run([sys.executable, "-c", "import aiohttp, pydantic"], check=True)

    def daemon(self) -> _Running:
        """Start the daemon and wait until it is ready."""
        words = [sys.executable, "-m", "sidecar", "up", str(self.workspace)]
        process = subprocess.Popen(words, env=self.environment, stdout=subprocess.DEVNULL)
        while not self.is_ready():
            time.sleep(_POLL_SECONDS)
        return _Running(process)

    def is_ready(self) -> bool:
        """Ask /readyz over a plain socket."""
        return b" 200 " in self.get("/readyz").split(b"\r\n", 1)[0]

    def get(self, path: str) -> bytes:
        """Return an answer, empty when nobody listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
                return b"".join(iter(lambda: connection.recv(65_536), b""))
        except OSError:
            return b""

    def wait_until_watched(self) -> None:
        """Wait for the end of the first scan."""
        while b'sidecar_workspaces{state="watching"} 1' not in self.get("/metrics"):
            time.sleep(0.1)

    def time_start(self) -> float:
        """Return the seconds from the start of the process to the first 200 of /readyz."""
        began = time.perf_counter()
        running = self.daemon()
        seconds = time.perf_counter() - began
        with running:
            self.wait_until_watched()
        return seconds

    def show_idle(self, seconds: float) -> None:
        """Print what the daemon costs while nothing happens."""
        with self.daemon() as process:
            self.wait_until_watched()
            time.sleep(10)  # what a start leaves to do is over
            before = Costs.of(process.pid)
            time.sleep(seconds)
            after = Costs.of(process.pid)
        print(f"idle for {seconds:.0f} s:")
        for name in Costs.NAMES:
            print(f"  {name:<28} {after.values[name] - before.values[name]:8.2f}")


class Costs:
    """Counters of a process, from /proc."""

    NAMES = ("wake-ups (all threads)", "bytes written to disk", "processor seconds")

    def __init__(self, values: dict[str, float]) -> None:
        self.values = values

    @classmethod
    def of(cls, pid: int) -> "Costs":
        """Read them."""
        process = Path(f"/proc/{pid}")
        wakes = sum(
            int(line.split()[1])
            for thread in (process / "task").iterdir()
            for line in (thread / "status").read_text().splitlines()
            if line.startswith("voluntary_ctxt_switches")
        )
        written = next(
            int(line.split()[1]) for line in (process / "io").read_text().splitlines() if line.startswith("write_bytes")
        )
        ticks = sum(int(field) for field in (process / "stat").read_text().rpartition(")")[2].split()[11:13])
        values = (wakes, written, ticks / os.sysconf("SC_CLK_TCK"))
        return cls(dict(zip(cls.NAMES, values, strict=True)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
