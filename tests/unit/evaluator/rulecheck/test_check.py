"""`tocsin rules check`, as its users see it."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.__main__ import main
from services.evaluator.check import check_files
from services.evaluator.rulecheck.inventory import InventoryError, open_inventory

TEXTS = "annotations: {summary: s, description: d}"
PAGE = """# TYPE http_requests_total counter
http_requests_total{code="200",path="/"} 5
http_requests_total{code="500",path="/"} 1
temperature 20
"""


@pytest.fixture
def check(tmp_path):
    def run(*rules, against="", name="r.yml"):
        path = tmp_path / name
        path.write_text("groups:\n- name: g\n  rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
        inventory = open_inventory(str(against)) if against else None
        return [f"{one.severity} {one.rule}: {one.problem}" for one in check_files([path], inventory=inventory)]

    return run


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.txt"
    path.write_text(PAGE)
    return path


def alert(name, expr, more=""):
    return f"{{alert: {name}, expr: '{expr}', {TEXTS}{more}}}"


class TestWithoutSeries:
    def test_a_good_file_has_no_problem(self, check):
        assert check(alert("A", "up == 0"), "{record: 'r:x', expr: sum(up)}") == []

    def test_joins_of_expression_and_clear(self, check):
        found = check(alert("A", "a > 1", ", clear: 'a < vector(1)'"), "{record: 'r:x', expr: 'sum(a) / a'}")
        assert found == [
            "warning A: clear: < never matches: a has labels instance, job, which vector(1) never has",
            "warning r:x: / never matches: a has labels instance, job, which sum(a) never has",
        ]

    def test_recorded_series_have_the_labels_of_their_rule(self, check):
        record = "{record: 'r:x', expr: sum by (a) (m), labels: {team: t}}"
        assert check(record, "{record: s, expr: 'sum by (a, team) (r:x)'}") == []
        (found,) = check(record, "{record: s, expr: 'sum by (b) (r:x)'}")
        assert "groups by label b, which r:x never has" in found

    def test_a_name_that_two_rules_record_may_have_any_label(self, check):
        rules = ["{record: 'r:x', expr: sum by (a) (m)}", "{record: 'r:x', expr: sum by (b) (m), labels: {x: y}}"]
        assert check(*rules, "{record: s, expr: 'sum by (c) (r:x)'}") == []

    def test_annotations(self, check):
        assert check("{alert: A, expr: 'sum(up) > 1', annotations: {summary: '{{ $labels.job }}'}}") == [
            "warning A: a template uses $labels.job, which no alert of this expression has",
            "warning A: no annotation description",
        ]

    def test_the_same_rule_in_two_files(self, tmp_path):
        paths = [tmp_path / "a.yml", tmp_path / "b.yml"]
        for path in paths:
            path.write_text(
                f"groups: [{{name: g, rules: [{alert('A', 'up == 0')}, {{record: r, expr: up}},"
                f" {{record: s, expr: up, labels: {{f: '{path.name}'}}}}]}}]"
            )
        found = check_files(paths)
        assert [(one.file, one.rule) for one in found] == [(str(paths[1]), "A"), (str(paths[1]), "r")]
        assert f"the same alert stands at {paths[0]}:1 too" in found[0].problem


class TestAgainstSeries:
    def test_a_page(self, check, page):
        nothing = 'status="404" matches nothing'
        pair = 'code="500", path=~"/x?", code!="500"'
        found = check(
            alert("Fine", 'rate(http_requests_total{code=~"5..",job="x"}[5m]) > 1'),
            alert("NoMetric", "http_request_total > 1"),
            alert("NoValue", 'http_requests_total{code="404"} > 1'),
            alert("NoLabel", 'http_requests_total{status="404"} > 1'),
            alert("NoPair", 'http_requests_total{code="500",path=~"/x?",code!="500"} > 1'),
            alert("Absent", "absent(nothing)"),
            alert("Up", "up == 0"),
            "{record: 'r:x', expr: sum by (code) (http_requests_total)}",
            alert("Recorded", 'r:x{code="9"} > 1'),
            alert("Unmade", 'r:x{path="/"} > 1'),
            alert("Pattern", '{__name__=~"foo.*"} > 1'),
            against=page,
        )  # fmt: skip
        assert found == [
            f"warning NoMetric: there is no series of metric http_request_total in {page}",
            f'warning NoValue: no series of http_requests_total meets code="404"; its code is 200, 500 in {page}',
            f"warning NoLabel: no series of http_requests_total has label status; {nothing} in {page}",
            f"warning NoPair: no series of http_requests_total meets all of {pair} in {page}",
            "warning Unmade: the rules record r:x without label path",
            f'warning Pattern: no series meets {{__name__=~"foo.*"}} in {page}',
        ]

    def test_joins_that_only_the_series_show_to_be_dead(self, check, tmp_path):
        page = tmp_path / "page.prom"
        page.write_text('rows{table="a"} 9\nrows{table="b"} 1\nlimit 5\nweight{table="a",unit="kg"} 1\n')
        found = check(
            alert("Bare", "rows > limit"),
            alert("Joined", "rows > on (job, instance) group_left () limit"),
            alert("Some", "rows * on (table) group_left (unit) weight > 1"),
            alert("Copied", "rows * on (table) group_left (colour) weight > 1"),
            alert("Text", "sum by (job) (rows) > limit"),
            alert("Gone", "rows > no_limit"),
            against=page,
        )  # fmt: skip
        assert found == [
            f"warning Bare: > never matches: rows has label table, which limit never has in {page}",
            f"warning Copied: group_left(colour) copies a label that weight never has in {page}",
            "warning Text: > never matches: limit has label instance, which sum by (job) (rows) never has",
            f"warning Gone: there is no series of metric no_limit in {page}",
        ]

    @pytest.mark.parametrize(("text", "words"), [(None, "can't be read"), ("a{ 1\n", "line 1")])
    def test_a_page_that_cannot_be_read(self, tmp_path, text, words):
        path = tmp_path / "page"
        if text:
            path.write_text(text)
        with pytest.raises(InventoryError, match=words):
            open_inventory(str(path))

    async def test_a_server(self, tmp_path):
        import asyncio

        asked = []

        async def series(request):
            form = await request.post()
            asked.append((form["match[]"], request.headers.get("Authorization")))
            found = [{"__name__": "m", "a": "1"}] if form["match[]"] == '{__name__="m"}' else []
            return web.json_response({"status": "success", "data": found})

        async def metadata(request):
            # Scraped, but not kept: no rule in force reads it.
            known = request.query["metric"] == "unkept_seconds"
            return web.json_response({"status": "success", "data": {"unkept_seconds": [{}]} if known else {}})

        app = web.Application()
        app.router.add_post("/api/v1/series", series)
        app.router.add_get("/api/v1/metadata", metadata)
        rules = tmp_path / "r.yml"
        one = alert("A", 'm{a="2"} > 1')
        more = (
            "{record: r, expr: 'm - m'}, {record: s, expr: sum(unkept_seconds_bucket)}, {record: t, expr: gone_total}"
        )
        rules.write_text(f"groups: [{{name: g, rules: [{one}, {more}]}}]")
        async with TestServer(app) as server:
            inventory = open_inventory(str(server.make_url("/")), "secret")
            first, second = await asyncio.to_thread(check_files, [rules], inventory=inventory)
        assert 'no series of m meets a="2"; its a is 1' in first.problem
        assert "there is no series of metric gone_total" in second.problem
        assert asked[:2] == [('{__name__="m",a="2"}', "Bearer secret"), ('{__name__="m"}', "Bearer secret")]
        assert len(asked) == len(set(asked))

    def test_a_server_that_does_not_answer(self, check):
        with pytest.raises(InventoryError, match="can't be read"):
            check(alert("A", "m > 1"), against="http://127.0.0.1:1")


class TestCommand:
    def run(self, capsys, *words):
        code = main(["rules", "check", *map(str, words)])
        return code, capsys.readouterr()

    def test_exit_codes_and_json(self, tmp_path, capsys, page):
        good, warned, broken = (tmp_path / name for name in ("good.yml", "warned.yml", "broken.yml"))
        good.write_text(f"groups: [{{name: g, rules: [{alert('A', 'temperature > 1')}]}}]")
        warned.write_text("groups: [{name: g, rules: [{alert: A, expr: x > 1}]}]")
        broken.write_text("groups: [{name: g, rules: [{alert: A, expr: 'x >'}]}]")
        assert self.run(capsys, good)[0] == 0
        assert self.run(capsys, good, "--against", page, "--strict")[0] == 0
        assert self.run(capsys, warned)[0] == 0
        assert self.run(capsys, warned, "--strict")[0] == 1
        code, out = self.run(capsys, broken, warned, "--format", "json")
        document = json.loads(out.out)
        assert (code, document["errors"], document["warnings"]) == (1, 1, 1)
        assert document["problems"][0] | {"column": 0, "mend": ""} == {
            "file": str(broken), "line": 1, "column": 0, "mend": "", "group": "g", "rule": "A", "severity": "error",
            "problem": document["problems"][0]["problem"],
        }  # fmt: skip
        code, out = self.run(capsys, good, "--against", tmp_path / "no-page")
        assert (code, out.out) == (2, "")
        assert "can't be read" in out.err
        assert self.run(capsys, good, "--against", page, "--token-file", tmp_path / "none")[0] == 2
