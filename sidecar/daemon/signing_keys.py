"""The file of the signing keys, and their rotation on a schedule.

The running daemon alone writes the file; ``sidecar tokens rotate`` asks it to. Without a daemon, removing the file has
the same effect at the next start, but ends the access tokens that are out.
"""

import asyncio
import logging
from pathlib import Path

from sidecar import limits
from sidecar.auth.signing_keys import KeyRing, SigningKeys
from sidecar.clock import Clock
from sidecar.daemon.runtime_files import read_secret, write_private
from sidecar.errors import CorruptStoreError, UnavailableError

log = logging.getLogger(__name__)

SIGNING_KEYS_FILE = "signing.keys"


def obtain_key_ring(folder: Path, clock: Clock) -> KeyRing:
    """Return the keys of a private folder; make them at the first start, or when they are no secret any more.

    New keys cost nobody their login: an access token that they do not verify is refreshed.
    """
    path = folder / SIGNING_KEYS_FILE

    def save(keys: SigningKeys) -> None:
        write_private(path, keys.dump().encode())

    keys = _stored(path)
    if keys is None:
        keys = SigningKeys.new(clock.now_ms())
        save(keys)
    ring = KeyRing(keys, clock, save)
    ring.rotate_if_due()
    return ring


async def rotate_on_schedule(ring: KeyRing) -> None:
    """Rotate whenever it is due, for ever; looks once a day, because a sleeping machine's timers stand still.

    When the new key can not be written, the present one signs on, and another is tried later.
    """
    while True:
        try:
            due_seconds = ring.rotate_if_due()
        except UnavailableError as error:
            log.warning("The signing key could not be replaced: %s", error.message)
            due_seconds = limits.signing_key_retry_seconds
        await asyncio.sleep(min(due_seconds, limits.signing_key_look_seconds))


def _stored(path: Path) -> SigningKeys | None:
    text = read_secret(path)
    try:
        return None if text is None else SigningKeys.load(text)
    except CorruptStoreError:
        log.warning("%s was damaged, so it is made anew; clients refresh their access tokens.", path)
        return None
