"""Run by the single file before the program: says in one sentence when this Python is not the one that it was made for.

Without it, the first compiled package would say so, in words that tell nobody what to do.
"""

import os
import sys

made_for = "@KIND@"
machine = os.uname().machine if hasattr(os, "uname") else "windows"
found = f"{sys.implementation.cache_tag}-{sys.platform}-{machine}"
if found != made_for:
    sys.exit(f"sidecar: This file was made for {made_for}, and this Python is {found} ({sys.executable}).")
