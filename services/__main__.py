"""The `tocsin` command: reads the command line and hands over to the one module that is asked for."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from services import __version__

SERVICES = {
    "collector": "probe the watched servers and serve their metrics",
    "evaluator": "scrape, evaluate the rules, publish alerts",
    "notifier": "route, group and deliver notifications",
    "api": "serve the API and the dashboard",
}
_EFFECTIVE = Path(".tocsin/run/tocsin.yml")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; each command's `module` names what runs it."""
    parser = argparse.ArgumentParser(
        prog="tocsin", description="Watches a stack, evaluates alert rules, gets people to act."
    )
    parser.add_argument("--version", action="version", version=f"tocsin {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_up(commands)
    for name, does in SERVICES.items():
        service = commands.add_parser(name, help=f"run one service: {does}")
        service.add_argument("--config", type=Path, required=True, metavar="FILE")
        service.add_argument(
            "--base", type=Path, metavar="DIR", help="folder that relative paths start at (default: FILE's)"
        )
        service.set_defaults(module="service")
    _add_tools(commands)
    _add_rules(commands)
    _add_people(commands)
    return parser


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives this type no public name


def _add_up(commands: "_Commands[argparse.ArgumentParser]") -> None:
    up = commands.add_parser(
        "up", help="run everything on this machine, with embedded servers where none are configured"
    )
    up.add_argument("--config", type=Path, metavar="FILE", help="default: tocsin.yml")
    up.add_argument("--demo", action="store_true", help="run and watch a small shop")
    up.add_argument("--data-dir", type=Path, metavar="DIR", help="in place of the configuration's data_dir")
    up.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. api.listen=127.0.0.1:8081")
    up.set_defaults(module="up")
    check = commands.add_parser("check-config", help="check a configuration file and the files that it names")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    check.set_defaults(module="check_config")


def _add_tools(commands: "_Commands[argparse.ArgumentParser]") -> None:
    migrate = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrate.add_argument("--config", type=Path, default=_EFFECTIVE, metavar="FILE", help=f"default: {_EFFECTIVE}")
    migrate.set_defaults(module="migrate")
    ready = commands.add_parser("ready", help="ask a running service whether it can do its job (a health check)")
    ready.add_argument("url", metavar="URL", help="e.g. http://127.0.0.1:9700")
    ready.set_defaults(module="ready")
    user = commands.add_parser("user", help="manage logins").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    for action, does in (
        ("add", "add a login"),
        ("passwd", "set a password, ending its sessions"),
        ("list", "list logins"),
    ):
        parser = user.add_parser(action, help=does)
        parser.add_argument("--config", type=Path, default=_EFFECTIVE, metavar="FILE", help=f"default: {_EFFECTIVE}")
        parser.set_defaults(module="user")
        if action != "list":
            parser.add_argument("username")
            parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        if action == "add":
            parser.add_argument("--role", choices=("viewer", "operator", "admin"), default="viewer")
    demo = commands.add_parser("demo", help="break and heal the demo").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    for action, does in (("break", "cause a real fault"), ("heal", "end it")):
        parser = demo.add_parser(action, help=does)
        parser.add_argument("fault", nargs="?", default="", help="without it: list what can be broken")
        parser.add_argument("--data-dir", type=Path, default=Path(".tocsin"), metavar="DIR")
        parser.set_defaults(module="demo")


def _add_rules(commands: "_Commands[argparse.ArgumentParser]") -> None:
    rules = commands.add_parser("rules", help="check and test rule files").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    parsers = {
        action: rules.add_parser(action, help=does)
        for action, does in (
            ("check", "check rule files"),
            ("test", "run unit tests of rules (promtool's form)"),
            ("coverage", "tell which rules and branches no unit test touches"),
        )
    }
    for parser in parsers.values():
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.set_defaults(module="rules")
    for action in ("check", "coverage"):
        parsers[action].add_argument("--format", choices=("text", "json"), default="text")
    check = parsers["check"]
    check.add_argument(
        "--against", default="", metavar="URL|FILE", help="name selectors that match no series of that server or page"
    )
    check.add_argument("--token-file", type=Path, metavar="FILE", help="the server's bearer token")
    check.add_argument("--strict", action="store_true", help="warnings fail the check too")
    parsers["test"].add_argument("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit XML too")
    for action in ("test", "coverage"):
        parsers[action].add_argument(
            "--ignore-unknown-fields", action="store_true", help="read over keys of groups and rules that are not known"
        )
    parsers["coverage"].add_argument(
        "--min", type=float, default=0.0, metavar="PERCENT", help="fail when less of the branches is touched"
    )


def _add_people(commands: "_Commands[argparse.ArgumentParser]") -> None:
    notify = commands.add_parser("notify", help="try notifications out").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    test = notify.add_parser("test", help="send a real test message and tell what became of it")
    test.add_argument("--config", type=Path, default=_EFFECTIVE, metavar="FILE", help=f"default: {_EFFECTIVE}")
    who = test.add_mutually_exclusive_group(required=True)
    who.add_argument("--contact", metavar="NAME")
    who.add_argument("--receiver", metavar="NAME")
    test.set_defaults(module="notify")
    routes = commands.add_parser("routes", help="test who is notified").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    test = routes.add_parser("test", help="run tests of routing: given alerts and a time, who is told by what")
    test.add_argument("files", nargs="+", type=Path, metavar="FILE")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit XML too")
    test.set_defaults(module="routes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = build_parser().parse_args(arguments)
    run = import_module(f"services.supervisor.commands.{options.module}").run
    return int(run(options))


if __name__ == "__main__":
    # structlog imports rich, where that is installed, for coloured tracebacks: 5 MB in each service.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None is how an import is made to fail
    sys.exit(main())
