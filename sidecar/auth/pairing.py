"""The pairing key: proves the daemon to its clients, and the machine's own clients to the daemon.

``daemon.runtime_files`` keeps the key in a file that only the owner can read; here is what is computed with it.
"""

import hashlib
import hmac


def prove(pairing_key: str, nonce: str, epoch: str) -> str:
    """Return the proof that its maker holds the pairing key: HMAC-SHA256 over the client's nonce, hexadecimal."""
    return hmac.new(pairing_key.encode(), f"sidecar-hello-v1:{nonce}:{epoch}".encode(), hashlib.sha256).hexdigest()


def prove_port(pairing_key: str, nonce: str, epoch: str, port: int) -> str:
    """Return the proof that its maker holds the pairing key, and is who listens on a port.

    A stranger on another port who asks the daemon for proofs and hands them on gets none that fits their own.
    """
    text = f"sidecar-hello-v2:{nonce}:{epoch}:{port}"
    return hmac.new(pairing_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_pairing_key(pairing_key: str, presented: str) -> bool:
    """Tell whether what a client presents is the pairing key, in constant time."""
    return hmac.compare_digest(pairing_key.encode(), presented.encode("utf-8", "surrogatepass"))
