"""``python -m sidecar``: the same as the command ``sidecar``."""

from sidecar.cli import main

main()
