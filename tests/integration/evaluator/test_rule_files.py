"""The real promtool's verdict on rule files with odd YAML, and ours."""

import shutil
import subprocess

import pytest

from services.evaluator.rules.loader import RuleDefaults, load_file
from services.evaluator.rules.problem import RuleFileError

pytestmark = pytest.mark.integration
GROUP = "groups:\n- name: g\n"
RULE = GROUP + "  rules:\n  - alert: A\n    expr: up == 0\n"
RECORD = GROUP + "  rules: [{record: r, expr: up, MORE}]\n"
FILES = {
    "nothing": "",
    "comment": "# nothing\n",
    "groups-null": "groups:\n",
    "no-rules": GROUP,
    "rules-null": GROUP + "  rules:\n",
    "interval-0": GROUP + "  interval: 0s\n",
    "interval-bare-0": GROUP + "  interval: 0\n",
    "interval-null": GROUP + "  interval:\n",
    "interval-negative": GROUP + "  interval: -1m\n",
    "limit-negative": GROUP + "  limit: -1\n",
    "limit-null": GROUP + "  limit:\n",
    "limit-text": GROUP + "  limit: many\n",
    "name-number": "groups: [{name: 5}]\n",
    "name-null": "groups: [{name: }]\n",
    "name-twice": "groups: [{name: g}, {name: g}]\n",
    "unknown-key": GROUP + "  owner: me\n",
    "unknown-null": GROUP + "  owner:\n",
    "for-0": RULE + "    for: 0\n",
    "for-number": RULE + "    for: 5\n",
    "for-null": RULE + "    for:\n",
    "for-empty": RULE + "    for: ''\n",
    "for-long": RULE + "    for: 1y2w3d4h5m6s7ms\n",
    "for-twice": RULE + "    for: 1h1h\n",
    "for-order": RULE + "    for: 1m1h\n",
    "for-negative": RULE + "    for: -1m\n",
    "capital": RULE + "    For: 1m\n",
    "key-twice": RULE + "    expr: up\n",
    "labels-null": RULE + "    labels:\n",
    "annotations-null": RULE + "    annotations:\n",
    "label-null": RULE + "    labels: {x: }\n",
    "annotation-null": RULE + "    annotations: {x: }\n",
    "label-list": RULE + "    labels: {a: [b]}\n",
    "label-name": RULE + "    labels: {__name__: x}\n",
    "alertname": RULE + "    labels: {alertname: x}\n",
    "scalars": RULE + "    labels: {a: yes, b: 1.50, c: 0x10, d: 2020-01-01, e: 010, f: .inf, g: 12:30:45}\n",
    "template": RULE + "    annotations: {x: '{{ nope }}'}\n",
    "unclosed": RULE + "    annotations: {x: '{{ if }}'}\n",
    "anchor": "groups:\n- name: g\n  rules:\n"
    "  - {alert: A, expr: up, labels: &l {a: b}}\n  - {alert: B, expr: up, labels: *l}\n",
    "merge": "groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: up}\n  - {<<: *a, alert: B}\n",
    "comments": GROUP
    + "  rules:\n  - alert: A\n    expr: |\n      # down\n      up == 0 # now\n      and on () vector(1)\n",
    "expr-number": RECORD.replace("up", "1.5").replace("MORE", ""),
    "expr-null": RECORD.replace("expr: up", "expr: ").replace("MORE", ""),
    "expr-true": RECORD.replace("up", "true").replace("MORE", ""),
    "alert-empty": RECORD.replace("record: r", "alert: ''").replace("MORE", ""),
    "alert-number": RECORD.replace("record: r", "alert: 5").replace("MORE", ""),
    "both": RECORD.replace("MORE", "alert: A"),
    "one-null": RECORD.replace("record: r", "record: ").replace("MORE", "alert: A"),
    "colons": RECORD.replace("record: r", "record: 'a:b:c'").replace("MORE", ""),
    "record-for": RECORD.replace("MORE", "for: 1m"),
    "record-for-0": RECORD.replace("MORE", "for: 0s"),
    "record-annotated": RECORD.replace("MORE", "annotations: {a: b}"),
    "record-unannotated": RECORD.replace("MORE", "annotations: {}"),
    "record-keeps": RECORD.replace("MORE", "keep_firing_for: 1m"),
    "record-keeps-0": RECORD.replace("MORE", "keep_firing_for: 0s"),
    "bom": "\ufeff" + RULE,
    "windows": RULE.replace("\n", "\r\n"),
    "tab": "groups:\n\t- name: g\n",
    "not-a-list": "groups: {name: g}\n",
}


@pytest.mark.parametrize("name", FILES)
def test_we_take_what_promtool_takes(tmp_path, name):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    path = tmp_path / "rules.yml"
    path.write_text(FILES[name], newline="")
    theirs = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    try:
        load_file(path, RuleDefaults())
        ours = ""
    except RuleFileError as error:
        ours = str(error)
    assert bool(ours) == bool(theirs.returncode), (ours, theirs.stderr)
