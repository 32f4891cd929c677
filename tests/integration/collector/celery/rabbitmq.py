"""A RabbitMQ of the test's own: free ports, its own folder and node name, nothing left behind."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.fixtures.ports import free_port
from tests.fixtures.servers import _wait_for_port

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_CONF = """\
listeners.tcp.1 = 127.0.0.1:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
collect_statistics_interval = 1000
log.file = false
log.console = true
log.console.level = error
"""


class RabbitMq:
    """A running broker; `hang` stops all its processes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, management: int) -> None:
        self.process, self.port, self.management = process, port, management
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        self.management_url = f"http://127.0.0.1:{management}"

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def hang(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def end(self) -> None:
        self.resume()
        self.signal(signal.SIGKILL)
        self.process.wait(60)


@contextmanager
def running_rabbitmq() -> Iterator[RabbitMq]:
    """Start a broker with the management plugin; skip the test where Debian's rabbitmq-server is not installed."""
    epmd = shutil.which("epmd")
    if not SERVER.exists() or epmd is None:
        pytest.skip(f"needs Debian's package rabbitmq-server ({SERVER})")
    home = Path(tempfile.mkdtemp(prefix="tocsin-rabbit-"))
    names, port, management = free_port(), free_port(), free_port()
    (home / "rabbitmq.conf").write_text(_CONF.format(port=port, management=management))
    (home / "plugins").write_text("[rabbitmq_management].\n")
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_NODENAME": f"tocsin{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_BASE": str(home),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"), "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
    }  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Started here and in the foreground: Erlang would start one in the background that outlives the test.
    daemon = subprocess.Popen([epmd, "-port", str(names), "-address", "127.0.0.1"], env=environ, **quiet)
    try:
        process = subprocess.Popen([SERVER], env=environ, cwd=home, start_new_session=True, **quiet)
        server = RabbitMq(process, port, management)
        try:
            for one in (port, management):
                _wait_for_port(one, process, 90)
            yield server
        finally:
            server.end()
    finally:
        daemon.kill()
        daemon.wait(60)
        shutil.rmtree(home, ignore_errors=True)
