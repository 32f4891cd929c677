"""Runs one part of the demo: `python -m demo world|shop|worker|load`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from demo.config import DemoSettings
from demo.stack import PARTS, SETTINGS_VARIABLE
from services.common.config import split_listen
from services.common.log import configure_logging


def _serve_shop(settings: DemoSettings) -> None:
    import uvicorn  # noqa: PLC0415 - each part imports only what it runs

    from demo.shop.app import create_app  # noqa: PLC0415

    host, port = split_listen(settings.config.shop_listen)
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning", access_log=False)


async def _until_told(part: str, settings: DemoSettings) -> None:
    if part == "world":
        from demo.world.server import run  # noqa: PLC0415
    elif part == "worker":
        from demo.worker import run  # noqa: PLC0415
    else:
        from demo.load import run  # noqa: PLC0415
    task = asyncio.create_task(run(settings))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def main(argv: list[str]) -> int:
    """Run the part named by the one argument until a signal ends it."""
    if len(argv) != 1 or argv[0] not in PARTS:
        sys.stderr.write(f"usage: python -m demo {'|'.join(PARTS)}\n")
        return 2
    settings = DemoSettings.read(Path(os.environ[SETTINGS_VARIABLE]))
    configure_logging(f"demo-{argv[0]}")
    if argv[0] == "shop":
        _serve_shop(settings)
    else:
        asyncio.run(_until_told(argv[0], settings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
