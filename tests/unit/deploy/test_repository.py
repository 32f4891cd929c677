"""What is true of the repository's own files."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from services.__main__ import build_parser

ROOT = Path(__file__).parents[3]
HOSTS = re.compile("python" + r"hosted\.org|np" + r"mjs\.org|://pypi\.|--index-url|--extra-index-url|--find-links")


def files():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_package_registrys_address_is_in_the_repository():
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        if HOSTS.search(text) and path != Path(__file__):
            found.append(str(path.relative_to(ROOT)))
    assert found == []


@pytest.mark.parametrize("name", ["run", "dev"])
def test_each_locked_package_has_its_hashes(name):
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements" / f"{name}.txt").read_text().strip())
    assert len(blocks) > 50
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_tests_lock_holds_what_running_has():
    def pins(name):
        return set(re.findall(r"^[a-z0-9._-]+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))

    assert pins("run") <= pins("dev")


def test_the_commands_of_the_readme_are_ones_that_there_are():
    text = (ROOT / "README.md").read_text()
    found = re.findall(r"^ +(?:\.venv/bin/)?tocsin ([^#\n]+)", text, re.MULTILINE)
    assert len(found) >= 6
    for words in found:
        build_parser().parse_args(words.split())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", text)) <= targets


def test_the_least_configuration_of_the_readme_is_good(tmp_path):
    from services.supervisor.effective import Draft

    text = (ROOT / "README.md").read_text()
    block = re.search(r"\n       collector:\n(?:       .*\n)+", text)[0]
    path = tmp_path / "tocsin.yml"
    path.write_text(re.sub(r"^       ", "", block, flags=re.MULTILINE))
    assert set(yaml.safe_load(path.read_text())) == {"collector", "evaluator", "notifier"}
    Draft.read(path, {}).validate({"TOCSIN_COLLECTOR": "127.0.0.1:9700"})


@pytest.mark.parametrize("name", ["deploy/config/tocsin.yml", "deploy/compose/config/tocsin.yml"])
def test_the_samples_are_good(name):
    from services.supervisor.effective import Draft

    variables = {
        "TOCSIN_SECRETS": "/s",
        "TOCSIN_DATA": "/d",
        "TOCSIN_EXTERNAL_URL": "http://x",
        "TOCSIN_COLLECTOR": "a:1",
        "TOCSIN_API": "a:2",
    }
    draft = Draft.read(ROOT / name, {})
    draft.validate(variables)
    # What changes in a target is to be on the page in less than 5 s.
    assert draft.config.written["evaluator"]["global"] == {"scrape_interval": "5s", "evaluation_interval": "5s"}


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    for name in re.findall(r"`((?:docs|deploy|client|rules)/[^`*]*|[A-Z]+\.md|docker-compose\.yml)`", text):
        assert (ROOT / name).exists(), name


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
