"""The commands beside `tocsin up`, on a real database."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.__main__ import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def program(tmp_path):
    """The program, as a person starts it."""

    def run(*words, code=0):
        command = [sys.executable, "-m", "services", *map(str, words)]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=100, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def tocsin(tmp_path, monkeypatch, capsys):
    """The same in this process, where it need not be loaded first: for what neither logs nor goes on running."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*words, text="", code=0):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        try:
            got = main([*map(str, words)])
        except SystemExit as end:
            got = end.code
        told = "".join(capsys.readouterr())
        assert got == code, told
        return told

    return run


@pytest.fixture
def config(tmp_path, postgres_dsn):
    (tmp_path / "dsn").write_text(postgres_dsn)
    path = tmp_path / "tocsin.yml"
    path.write_text(f"postgres: {{dsn_file: {tmp_path / 'dsn'}}}\n")
    return path


def test_migrate_applies_once(program, config):
    assert program("migrate", "--config", config).startswith("applied ")
    assert "it was up to date" in program("migrate", "--config", config)


def test_users_before_the_schema_are_told_what_to_do(tocsin, config):
    assert "tocsin migrate" in tocsin("user", "list", "--config", config, code=1)


def test_users_are_added_listed_and_changed(program, tocsin, config):
    program("migrate", "--config", config)
    assert "no users yet" in tocsin("user", "list", "--config", config)
    made = tocsin("user", "add", "ann", "--role", "operator", "--config", config)
    assert made.startswith("added ann as operator; password: ")
    assert len(made.split()[-1]) >= 12
    listed = tocsin("user", "list", "--config", config)
    assert listed.split() == ["ann", "operator", "active"]
    assert "exists" in tocsin("user", "add", "ann", "--config", config, code=1)
    secret = "correct horse battery 7"
    changed = tocsin("user", "passwd", "ann", "--password-stdin", "--config", config, text=secret + "\n")
    assert secret not in changed
    assert "its sessions have ended" in changed
    assert "no user bob" in tocsin("user", "passwd", "bob", "--config", config, code=1)


def test_a_missing_configuration_or_database_is_told(program, tocsin, tmp_path):
    assert "start `tocsin up` once" in tocsin("user", "list", code=1)
    assert "no such file" in program("migrate", "--config", "nowhere.yml", code=1)
    bare = tmp_path / "bare.yml"
    bare.write_text("{}")
    assert "no postgres is given" in program("migrate", "--config", bare, code=1)
    away = tmp_path / "away.yml"
    away.write_text("postgres: {dsn: 'postgresql://tocsin@127.0.0.1:1/x'}")
    assert "can't be migrated" in program("migrate", "--config", away, code=1)
    assert "Postgres can't be reached" in tocsin("user", "list", "--config", away, code=1)


def test_the_embedded_database_of_a_configuration_is_found(program, config, tmp_path):
    # The person names the file that `tocsin up` was given; the login is in the effective one.
    effective = tmp_path / "data" / "run" / "tocsin.yml"
    effective.parent.mkdir(parents=True)
    effective.write_text(config.read_text())
    own = tmp_path / "own.yml"
    own.write_text("data_dir: data\n")
    assert "applied" in program("migrate", "--config", own)


def test_check_config(tocsin, tmp_path):
    good = tmp_path / "good.yml"
    good.write_text("external_url: http://tocsin.example\nevaluator: {rule_files: [rules/*.yml]}\n")
    routing, rules = tmp_path / "alertmanager.yml", tmp_path / "rules" / "a.yml"
    assert f"{routing}:1:1: there is no such file. notifier: no routing" in tocsin("check-config", good, code=1)
    routing.write_text("route: {receiver: nobody}\nreceivers: [{name: team}]\n")
    told = tocsin("check-config", good, code=1)
    assert f"{routing}:1:9: receiver 'nobody' is not defined" in told
    assert "rules/*.yml names no file" in told
    routing.write_text("route: {receiver: team}\nreceivers: [{name: team}]\n")
    rules.parent.mkdir()
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: up == ((0}]}]\n")
    assert f"{rules}:1:" in tocsin("check-config", good, code=1)
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n")
    assert tocsin("check-config", good) == f"{good}: good\n"
    bad = tmp_path / "bad.yml"
    bad.write_text("api:\n  lissten: 3\n")
    assert f"{bad}:2:3: api.lissten: unknown key" in tocsin("check-config", bad, code=1)
    assert "--set" in tocsin("check-config", good, "--set", "nonsense", code=1)


@pytest.mark.parametrize("service", ["collector", "evaluator", "notifier", "api"])
def test_a_service_refuses_a_bad_file_with_its_place(program, tmp_path, service):
    bad = tmp_path / "bad.yml"
    bad.write_text(f"{service}:\n  listen: nowhere\n")
    told = program(service, "--config", bad, code=2)
    assert f"{bad}:2:3: {service}.listen" in told
    assert "Traceback" not in told


def test_rules_are_checked(tocsin, tmp_path):
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    rule = "{alert: A, expr: EXPR, annotations: {summary: s, description: d}}"
    good.write_text("groups: [{name: g, rules: [" + rule.replace("EXPR", "up == 0") + "]}]")
    bad.write_text("groups: [{name: g, rules: [" + rule.replace("EXPR", "up ==") + "]}]")
    assert tocsin("rules", "check", good) == "1 file(s), 0 error(s), 0 warning(s)\n"
    told = tocsin("rules", "check", good, bad, code=1)
    assert f"error: {bad}:1:" in told
    assert told.endswith("2 file(s), 1 error(s), 0 warning(s)\n")


def test_shipped_rules_pass(tocsin):
    assert "0 error(s), 0 warning(s)" in tocsin("rules", "check", *sorted((ROOT / "rules").glob("*.yml")))
    assert tocsin("rules", "test", ROOT / "rules" / "tests" / "celery.yml").count("passed") == 1


def test_a_failing_rule_test_fails_the_command(tocsin, tmp_path):
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{record: a, expr: b}]}]")
    test = tmp_path / "test.yml"
    test.write_text(
        "rule_files: [rules.yml]\ntests: [{interval: 1m, input_series: [{series: b, values: '1 1'}], "
        "promql_expr_test: [{expr: a, eval_time: 1m, exp_samples: [{labels: a, value: 2}]}]}]\n"
    )
    assert "FAILED" in tocsin("rules", "test", test, code=1)


def test_ready_asks_a_service(program, tocsin):
    assert "does not answer" in program("ready", "http://127.0.0.1:1", code=1)
    assert "write it like" in tocsin("ready", "127.0.0.1", code=1)


def test_the_demo_lists_its_faults_and_says_when_it_does_not_run(tocsin, tmp_path):
    assert "celery" in tocsin("demo", "break")
    assert "no demo has run" in tocsin("demo", "break", "celery", code=1)
    settings = tmp_path / ".tocsin" / "run" / "demo.json"
    settings.parent.mkdir(parents=True)
    redis = "redis://127.0.0.1:1/1"
    settings.write_text(f'{{"config": {{}}, "postgres_dsn": "x", "redis_url": "{redis}", "broker_url": "{redis}"}}')
    assert "no fault is called 'nonsense'" in tocsin("demo", "break", "nonsense", code=1)
    assert "does not answer" in tocsin("demo", "heal", "celery", code=1)
