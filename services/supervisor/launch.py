"""Start a program as a supervised child: `python -I -S launch.py [options] -- PROGRAM ARGUMENT…`.

Runs as a script of its own with the standard library alone, so that it costs milliseconds. It makes the kernel end the
program when its supervisor dies, however that dies, and gives up root for servers that must not have it.
"""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
ORPHANED = 75  # EX_TEMPFAIL: the supervisor went before we could start


class LaunchError(OSError):
    """The kernel refused a step; the message says which."""


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


_libc = ctypes.CDLL(None, use_errno=True)


def prctl(step: str, option: int, *arguments: int) -> None:
    """Set one attribute of this process; raises LaunchError that names the step."""
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(option, *padded) != 0:
        number = ctypes.get_errno()
        raise LaunchError(number, f"{step}: {os.strerror(number)}")


def permitted_capabilities() -> int:
    """Return the lower 32 permitted capabilities of this process as bits (capget(2))."""
    header, data = _CapHeader(_CAP_VERSION_3, 0), (_CapData * 2)()
    if _libc.capget(ctypes.byref(header), data) != 0:
        number = ctypes.get_errno()
        raise LaunchError(number, f"reading capabilities: {os.strerror(number)}")
    return int(data[0].permitted)


def reading_capability(permitted: int) -> int:
    """Choose the weakest capability at hand that passes closed folders; raises LaunchError when there is none."""
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if permitted & (1 << capability):
            return capability
    raise LaunchError(1, "a folder above is closed to other users and this container's root may not pass it on")


def become(uid: int, gid: int, *, pass_closed_folders: bool) -> None:
    """Give up root for good, keeping at most the right to read through folders that are closed to others."""
    capability = reading_capability(permitted_capabilities()) if pass_closed_folders else None
    if capability is not None:
        prctl("keeping capabilities", _PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is None:
        return
    bits = 1 << capability
    header, data = _CapHeader(_CAP_VERSION_3, 0), (_CapData * 2)(_CapData(bits, bits, bits), _CapData(0, 0, 0))
    if _libc.capset(ctypes.byref(header), data) != 0:
        number = ctypes.get_errno()
        raise LaunchError(number, f"setting capabilities: {os.strerror(number)}")
    prctl("passing a capability on", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the options and, after `--`, the program."""
    parser = argparse.ArgumentParser(prog="launch.py")
    parser.add_argument("--parent", type=int, default=0, help="pid of the supervisor; 0: live on without it")
    parser.add_argument("--death-signal", type=int, default=15)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--pass-closed-folders", action="store_true")
    parser.add_argument("program", nargs="+")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Become the program; returns only when that failed."""
    options = parse(arguments)
    try:
        if options.uid is not None:
            become(options.uid, options.gid, pass_closed_folders=options.pass_closed_folders)
        # A reload signal that comes before the program can take it must not end it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if options.parent:
            # After the change of user, which clears the setting.
            prctl("tying the child to its supervisor", _PR_SET_PDEATHSIG, options.death_signal)
            if os.getppid() != options.parent:
                return ORPHANED
        os.execv(options.program[0], options.program)  # noqa: S606 - becoming the program is this module's purpose
    except OSError as error:
        sys.stderr.write(f"{options.program[0]} can't be started: {error.strerror}\n")
        return 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
