"""Who the embedded servers run as: nobody where we are root, for PostgreSQL refuses to be root."""

import os
from pathlib import Path

from services.supervisor.process import ServerUser

NOBODY = 65534
_OTHERS_PASS = 0o001


def server_user(*paths: Path, euid: int | None = None) -> ServerUser | None:
    """Return the user for a server that needs those paths; None where we are an ordinary user already."""
    if (os.geteuid() if euid is None else euid) != 0:
        return None
    return ServerUser(NOBODY, NOBODY, pass_closed_folders=any(is_closed(path) for path in paths))


def is_closed(path: Path) -> bool:
    """Tell whether some folder above the path can't be passed by every user.

    Folders that users closed stay closed: the server gets a capability instead of a wider mode on them.
    """
    return any(parent.exists() and not parent.stat().st_mode & _OTHERS_PASS for parent in path.resolve().parents)


def own_folder(folder: Path, user: ServerUser | None) -> None:
    """Make a server's folder (mode 0700), given to the user it runs as."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None and folder.stat().st_uid != user.uid:
        os.chown(folder, user.uid, user.gid)
