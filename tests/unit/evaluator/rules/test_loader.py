import pytest

from services.evaluator.promql import parse
from services.evaluator.rules.definition import AlertingRule, describe_thresholds
from services.evaluator.rules.loader import RuleDefaults, find_files, inspect_file, load_file
from services.evaluator.rules.presence import presence
from services.evaluator.rules.problem import RuleFileError

FULL = """groups:
  - name: celery
    interval: 30s
    limit: 10
    query_offset: 5s
    labels: {team: shop, severity: info}
    rules:
      - record: tocsin:celery_queue_length
        expr: sum(celery_queue_length)
        labels: {source: celery}
      - alert: CeleryQueueBacklog
        expr: tocsin:celery_queue_length > 20
        for: 2m
        keep_firing_for: 1m
        clear: tocsin:celery_queue_length < 10
        no_data: keep
        cooldown: 15m
        max_alerts_per_hour: 2
        depends_on: [RedisDown]
        labels: {severity: warning, level: 3}
        annotations:
          summary: High backlog
          description: "{{ $value }} tasks"
"""


def load(tmp_path, text, **defaults):
    path = tmp_path / "r.yml"
    path.write_text(text)
    return load_file(path, RuleDefaults(**defaults), name="r.yml")


def test_every_field(tmp_path):
    (group,) = load(tmp_path, FULL)
    assert (group.key, group.interval, group.limit, group.query_offset) == ("r.yml;celery", 30.0, 10, 5.0)
    record, alert = group.rules
    assert (record.name, record.labels) == (
        "tocsin:celery_queue_length", {"team": "shop", "severity": "info", "source": "celery"})  # fmt: skip
    assert isinstance(alert, AlertingRule)
    assert alert.labels == {"team": "shop", "severity": "warning", "level": "3"}
    assert (alert.hold, alert.keep_firing, alert.cooldown, alert.max_per_hour) == (120, 60, 900, 2)
    assert (alert.no_data, alert.line, alert.depends_on) == ("keep", 11, ("RedisDown",))
    assert alert.clear is not None
    assert alert.clear.text == "tocsin:celery_queue_length < 10"
    assert describe_thresholds(alert) == [{"expr": "tocsin:celery_queue_length", "op": ">", "value": 20.0}]
    assert group.reads == {"celery_queue_length", "tocsin:celery_queue_length"}


def test_defaults_make_a_plain_file_behave_as_in_prometheus(tmp_path):
    (group,) = load(tmp_path, "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]", interval=7.0)
    (alert,) = group.rules
    assert isinstance(alert, AlertingRule)
    assert (group.interval, alert.hold, alert.keep_firing, alert.no_data, alert.clear) == (7.0, 0, 0, "resolve", None)
    assert (alert.cooldown, alert.max_per_hour) == (900.0, 4)


LABELS = "{a: yes, b: 1.50, c: 0x10, d: 2020-01-01, e: 010, f: , g: null, h: 'null', i: On, j: 1e3}"


def test_labels_are_text_as_written(tmp_path):
    (group,) = load(tmp_path, f"groups: [{{name: 5, rules: [{{alert: 7, expr: 1.5, labels: {LABELS}}}]}}]")
    (alert,) = group.rules
    assert (group.name, alert.name, alert.expr.text) == ("5", "7", "1.5")
    assert dict(alert.labels) == {
        "a": "yes", "b": "1.50", "c": "0x10", "d": "2020-01-01", "e": "010", "f": "", "g": "", "h": "null", "i": "On",
        "j": "1e3",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "groups:\n",
        "groups:\n- name: g\n  rules:\n",
        "groups:\n- {name: g, interval: , limit: , query_offset: , labels: , rules: [{record: r, expr: up, labels: }]}",
        "groups: [{name: g, interval: 0s, limit: -1, rules: [{record: r, expr: up}]}]",
        "groups: [{name: g, interval: 0, rules: [{record: r, alert: , expr: up, for: 0s, annotations: {}}]}]",
        "groups: [{name: g, rules: [{alert: r, expr: up, for: , keep_firing_for: 0, annotations: }]}]",
        "groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: up}\n  - {<<: *a, alert: r}\n",
        "groups:\n- name: g\n  rules:\n  - record: r\n    expr: |\n      # why\n      up # so\n      == 1\n",
    ],
)
def test_what_go_reads_as_nothing_is_nothing(tmp_path, text):
    """promtool takes each of these files."""
    groups = load(tmp_path, text, interval=7.0)
    assert [(group.interval, group.limit) for group in groups] in ([], [(7.0, 0)])
    assert [rule.name for group in groups for rule in group.rules][-1:] in ([], ["r"])


def test_a_key_without_value_must_be_known_all_the_same(tmp_path):
    with pytest.raises(RuleFileError, match="unknown key"):
        load(tmp_path, "groups: [{name: g, owner: , rules: []}]")


def test_the_offset_of_a_group_counts_above_the_global_one(tmp_path):
    text = (
        "groups: [{name: a, rules: []}, {name: b, query_offset: 0s, rules: []}, {name: c, query_offset: 1m, rules: []}]"
    )
    assert [group.query_offset for group in load(tmp_path, text, query_offset=30.0)] == [30.0, 0.0, 60.0]


def test_a_source_loses_its_last_slash(tmp_path):
    (group,) = load(tmp_path, "groups: [{name: g, source: 'http://p:9090/prometheus/', rules: []}]")
    assert group.source == "http://p:9090/prometheus"


def test_keys_are_the_same_after_an_expression_has_changed(tmp_path):
    text = "groups: [{name: g, rules: [{alert: A, expr: EXPR}, {alert: A, expr: EXPR}]}]"
    before = [rule.key for rule in load(tmp_path, text.replace("EXPR", "a > 1"))[0].rules]
    after = [rule.key for rule in load(tmp_path, text.replace("EXPR", "b > 2"))[0].rules]
    assert before == after
    assert len(set(before)) == 2


RULE = "groups:\n- name: g\n  rules:\n  - alert: A\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("groups: [}", 1, "not YAML"),
        ("groups:\n- rules: []\n", 2, "name"),
        ("groups:\n- name: g\n- name: g\n", 3, "stands twice"),
        ("grops: []\n", 1, "unknown key; known here: groups"),
        (RULE + "    expr: foo(\n", 5, r'group "g", rule "A": could not parse expression at 1:\d+'),
        (RULE + "    expr: foo[5m]\n", 5, "gives a matrix"),
        (RULE + "    expr: '\"x\"'\n", 5, "gives a string"),
        (RULE + "    expr: up\n    for: soon\n", 6, "not a duration"),
        (RULE + "    expr: up\n    for: 5\n", 6, "not a duration"),
        (RULE + "    expr: up\n    severity: x\n", 6, "unknown key"),
        (RULE + "    expr: up\n    labels: {a: '{{ $x }}'}\n", 6, "template of label 'a'.*undefined variable"),
        (RULE + "    expr: up\n    annotations:\n      x: ok\n      y: '{{ nope }}'\n", 8, "of annotation 'y'"),
        (RULE + "    expr: up\n    labels: {__name__: x}\n", 6, "can't be a label"),
        (RULE + "    record: r\n    expr: up\n", 4, "either alert or record"),
        (RULE + "    expr: up\n    clear: foo(\n", 6, "could not parse"),
        (RULE + "    expr: up\n    no_data: maybe\n", 6, "no_data"),
        ("groups:\n- name: g\n  rules:\n  - record: r\n    expr: up\n    for: 1m\n", 4, "for belongs to alerting"),
        ("groups:\n- name: g\n  rules:\n  - record: 'r{a=\"b\"}'\n    expr: up\n", 4, "braces in a recorded name"),
        (RULE, 4, "expr"),
        ("groups:\n- name: g\n  source: prometheus:9090\n", 3, "is not a URL; write it like http://"),
    ],
)  # fmt: skip
def test_one_mistake_one_named_problem(tmp_path, text, line, words):
    with pytest.raises(RuleFileError, match=words) as caught:
        load(tmp_path, text)
    assert {problem.line for problem in caught.value.problems} == {line}
    assert all(problem.file == "r.yml" and problem.mend for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("{alert: A, expr: up == 0}, {alert: A, expr: 'up==0'}", "stands twice"),
        ("{alert: A, expr: 'absent(up)', no_data: keep}", "has no effect"),
    ],
)
def test_warnings_do_not_keep_a_file_out_of_force(tmp_path, rules, words):
    path = tmp_path / "r.yml"
    path.write_text(f"groups: [{{name: g, rules: [{rules}]}}]")
    groups, problems = inspect_file(path, RuleDefaults())
    assert groups
    assert [problem.severity for problem in problems] == ["warning"]
    assert words in str(problems[0])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RuleFileError, match="can't be read"):
        load_file(tmp_path / "none.yml", RuleDefaults())


def test_globs_find_each_file_once(tmp_path):
    for name in ("b.yml", "a.yml", "c.txt"):
        (tmp_path / name).write_text("")
    assert [path.name for path in find_files(["*.yml", str(tmp_path / "a.yml")], tmp_path)] == ["a.yml", "b.yml"]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("a > 1", "a > bool 1"),
        ("(a > 1 and b < 2) or c == 3", "(a > bool 1 and b < bool 2) or c == bool 3"),
        ("a > 1 unless b > 2", "a > bool 1"),
        ("a > on (x) b", "a > bool on (x) b"),
        ("absent(a)", None),
        ("a > bool 1", None),
        ("sum(a > 1)", None),
    ],
)
def test_presence(expr, expected):
    found = presence(parse(expr))
    assert (found.text if found is not None else None) == expected
