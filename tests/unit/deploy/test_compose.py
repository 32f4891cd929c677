"""docker-compose.yml against the keys of the Compose specification that it uses, and against itself."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from services.__main__ import build_parser

ROOT = Path(__file__).parents[3]
# Of the Compose specification (compose-spec.json): what stands in our file and its type there.
TOP = {"name": str, "services": dict, "volumes": dict, "secrets": dict}
SERVICE = {
    "build": dict, "cap_drop": list, "command": list, "depends_on": dict, "environment": dict, "healthcheck": dict,
    "image": str, "init": bool, "ports": list, "read_only": bool, "restart": str, "secrets": list,
    "security_opt": list, "stop_grace_period": str, "tmpfs": list, "user": str, "volumes": list, "working_dir": str,
}  # fmt: skip
HEALTHCHECK = {"test": list, "interval": str, "timeout": str, "retries": int, "start_period": str}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
RESTARTS = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")
DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")
VOLUME = re.compile(r"(?P<source>[^:]+):(?P<target>/[^:]*)(:(?P<mode>ro|rw))?")
PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+:)?\d+:\d+")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def typed(data, known, where):
    for key, value in data.items():
        assert key in known, f"{where}: {key} is not in the specification's list"
        assert isinstance(value, known[key]), f"{where}.{key}: {type(value).__name__}"


def test_every_key_is_the_specifications(compose):
    typed({key: value for key, value in compose.items() if not key.startswith("x-")}, TOP, "file")
    for name, service in compose["services"].items():
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)
        typed(service, SERVICE, name)
        assert RESTARTS.fullmatch(service["restart"])
        assert all(isinstance(word, str) for word in service.get("command", []))
        if "stop_grace_period" in service:
            assert DURATION.fullmatch(service["stop_grace_period"])


def test_each_that_stays_has_a_health_check(compose):
    for name, service in compose["services"].items():
        if name == "migrate":
            continue
        check = service["healthcheck"]
        typed(check, HEALTHCHECK, name)
        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert all(DURATION.fullmatch(check[key]) for key in ("interval", "timeout", "start_period"))


def test_what_is_named_is_there(compose):
    services, volumes, secrets = compose["services"], compose["volumes"], compose["secrets"]
    used = set()
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert set(how) == {"condition"}
            assert how["condition"] in CONDITIONS
            assert how["condition"] != "service_healthy" or "healthcheck" in services[other]
        assert set(service.get("secrets", [])) <= set(secrets)
        for text in service.get("volumes", []):
            match = VOLUME.fullmatch(text)
            source = match["source"]
            if source.startswith("."):
                assert (ROOT / source).is_dir()
            else:
                used.add(source)
        assert all(PORT.fullmatch(port) for port in service.get("ports", []))
    assert used == set(volumes)
    # The API writes rules there that the evaluator reads.
    used.remove("api_rules")
    assert len(used) == len(services) - 1, "a volume each, but for the one that only migrates"


def test_our_services_have_no_rights_that_they_do_not_need(compose):
    for name in ("migrate", "collector", "evaluator", "notifier", "api"):
        service = compose["services"][name]
        assert service["user"] == "10001:10001"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_no_secret_is_in_the_environment_or_a_command(compose):
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|TOKEN|KEY|DSN", key)
            assert not secret or key.endswith("_FILE"), f"{name}: {key}={value}"
        assert not any("password" in word.lower() for word in service.get("command", []))


def test_only_the_page_is_open_and_only_on_this_machine(compose):
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"api": ["127.0.0.1:8080:8080"]}


def test_each_command_of_ours_is_one_that_the_command_line_knows(compose):
    for name, service in compose["services"].items():
        for words in (service.get("command", []), service.get("healthcheck", {}).get("test", ["", ""])[1:]):
            if words[:1] == ["tocsin"]:
                options = build_parser().parse_args(words[1:])
                assert options.command in {name, "ready"}


def test_health_checks_ask_the_port_that_the_configuration_gives(compose):
    config = yaml.safe_load((ROOT / "deploy/compose/config/tocsin.yml").read_text())
    for name in ("collector", "evaluator", "notifier", "api"):
        port = config[name]["listen"].rpartition(":")[2]
        assert compose["services"][name]["healthcheck"]["test"] == [
            "CMD",
            "tocsin",
            "ready",
            f"http://127.0.0.1:{port}",
        ]


def test_the_secrets_script_makes_every_file_and_keeps_it(compose, tmp_path):
    script = tmp_path / "deploy" / "compose" / "secrets.sh"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / "deploy/compose/secrets.sh").read_text())
    subprocess.run(["sh", script], check=True)
    files = {secret["file"] for secret in compose["secrets"].values()}
    first = {name: (tmp_path / name).read_text() for name in files}
    assert all(first.values())
    subprocess.run(["sh", script], check=True)
    assert first == {name: (tmp_path / name).read_text() for name in files}
    folder = script.parent / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    password = (folder / "postgres_password").read_text()
    assert len(password) == 64
    assert password in (folder / "postgres_dsn").read_text()


def test_the_secrets_are_kept_out_of_git_and_of_the_image():
    assert "deploy/compose/secrets/" in (ROOT / ".gitignore").read_text().split()
    assert "deploy/compose/secrets" in (ROOT / ".dockerignore").read_text().split()
