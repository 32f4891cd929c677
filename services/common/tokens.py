"""Random tokens, and files that hold one."""

import hashlib
import os
import secrets
from pathlib import Path


def new_token() -> str:
    """Return 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return the SHA-256 under which a random token is stored; it has too much entropy to need a slow hash."""
    return hashlib.sha256(token.encode()).digest()


def ensure_token_file(path: Path) -> str:
    """Return the token in the file, making the file (mode 0600) at first use; several processes may start at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(new_token() + "\n")
        try:
            # A link fails when the name exists, so of several starters exactly one sets the token, and it is whole.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8").strip()
