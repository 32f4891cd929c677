from services.notifier.engine import Engine, IntegrationInfo, Limits
from services.notifier.gate import Muting
from services.notifier.inhibition import Inhibitor, InhibitRule
from services.notifier.matchers import parse_matchers
from services.notifier.routing import RouteSpec, build_tree
from services.notifier.state import State
from services.notifier.time_intervals import NamedInterval
from tests.unit.notifier.builders import START, apply, event, told


def rule(source: str, target: str, *equal: str) -> InhibitRule:
    return InhibitRule(parse_matchers(source), parse_matchers(target), equal)


def seen(rules, *sources, depends=()):
    inhibitor = Inhibitor(rules)
    for one in (*sources, *depends):
        inhibitor.observe(one, firing=True)
    return inhibitor


def depending(name: str, *on: str, **labels: str):
    made = event(name, **labels)
    return made.model_copy(update={"rule": made.rule.model_copy(update={"depends_on": on})})


def test_a_source_hides_a_target_with_equal_labels():
    source = event("Down", dc="a")
    inhibitor = seen([rule("alertname=Down", "severity=warning", "dc")], source)
    assert inhibitor.inhibited_by(event("X", severity="warning", dc="a")) == (source.fingerprint,)
    assert inhibitor.inhibited_by(event("X", severity="warning", dc="b")) == ()
    assert inhibitor.inhibited_by(event("X", severity="info", dc="a")) == ()
    inhibitor.observe(source, firing=False)
    assert inhibitor.inhibited_by(event("X", severity="warning", dc="a")) == ()


def test_a_label_that_is_absent_equals_an_empty_one():
    inhibitor = seen([rule("alertname=Down", "alertname=X", "dc")], event("Down"))
    assert inhibitor.inhibited_by(event("X"))
    assert inhibitor.inhibited_by(event("X", dc=""))
    assert not inhibitor.inhibited_by(event("X", dc="a"))


def test_no_alert_hides_itself_nor_two_that_match_both_sides_each_other():
    one, two = event("A", severity="critical", n="1"), event("A", severity="critical", n="2")
    inhibitor = seen([rule('severity="critical"', 'alertname="A"')], one, two)
    assert inhibitor.inhibited_by(one) == ()
    assert inhibitor.inhibited_by(two) == ()
    assert len(inhibitor.inhibited_by(event("A", severity="warning"))) == 2


def test_what_a_rule_depends_on_hides_it():
    down = event("PostgresDown", component="postgres", instance="db1")
    slow = depending("SlowQueries", "PostgresDown", component="postgres", instance="db1")
    other = depending("SlowQueries", "PostgresDown", component="postgres", instance="db2")
    payments = depending("PaymentsFail", "PostgresDown", component="payments", instance="shop")
    elsewhere = depending("PaymentsFail", "PostgresDown", cluster="b")
    inhibitor = seen([], down)
    assert inhibitor.hidden_by(slow) == (down,)
    assert inhibitor.hidden_by(other) == ()  # another instance of the same component is another thing
    assert inhibitor.hidden_by(payments) == (down,)
    assert inhibitor.hidden_by(elsewhere) == (down,)
    assert seen([], event("PostgresDown", cluster="a")).hidden_by(elsewhere) == ()
    assert inhibitor.hidden_by(event("SlowQueries")) == ()


def test_a_circle_of_dependencies_hides_nobody():
    a, b, c = depending("A", "B"), depending("B", "C"), depending("C", "A")
    inhibitor = seen([], a, b, c)
    assert [inhibitor.hidden_by(one) for one in (a, b, c)] == [(), (), ()]
    assert seen([], depending("A", "A")).hidden_by(depending("A", "A")) == ()


def gated(spec: RouteSpec, muting: Muting) -> Engine:
    tree = build_tree(spec)
    info = IntegrationInfo("webhook/0", "webhook", True, ("hook",))
    return Engine(State(), tree, {route.receiver: (info,) for route in tree.walk()}, Limits(), muting)


SPEC = RouteSpec(receiver="r", group_by=("alertname",), wait=0, interval=60, repeat=3600)


def test_a_hidden_alert_is_told_when_its_source_is_over():
    target = gated(SPEC, Muting((rule("alertname=Down", "alertname=X"),)))
    apply(target, event("Down"), event("X"), now=START)
    target.flush_due(START)
    assert told(target) == [("new", "firing", ("Down:firing",))]
    (held,) = target.state.attempts.values()
    assert (held.reason, held.detail[:4]) == ("inhibited", "Down")
    apply(target, event("Down", "resolved", sent_at=START + 5), now=START + 5)
    target.flush_due(START + 60)
    assert told(target)[-1] == ("new", "firing", ("X:firing",))


def test_a_dependency_is_recorded_as_one():
    target = gated(SPEC, Muting())
    apply(target, event("Down"), depending("X", "Down"), now=START)
    target.flush_due(START)
    assert [one.reason for one in target.state.attempts.values()] == ["dependency"]


def test_the_gate_is_the_same_over_a_saved_state():
    before = gated(SPEC, Muting((rule("alertname=Down", "alertname=X"),)))
    apply(before, event("Down"), now=START)
    after = Engine(before.state, before.tree, before.receivers, Limits())
    after.reconfigure(before.tree, before.receivers, START, Muting((rule("alertname=Down", "alertname=X"),)))
    apply(after, event("X"), now=START)
    after.flush_due(START)
    assert told(after) == [("new", "firing", ("Down:firing",))]


YEARS = {"quiet": NamedInterval.model_validate({"name": "quiet", "time_intervals": [{"years": ["2023"]}]})}


def test_a_muted_route_tells_all_when_its_time_is_over():
    spec = RouteSpec(receiver="r", routes=(RouteSpec(wait=0, interval=60, muted_in=("quiet",)),))
    target = gated(spec, Muting(intervals=YEARS))  # START lies in 2023
    apply(target, event("X"), event("Y", muted="rate_cap"), now=START)
    target.flush_due(START)
    assert told(target) == []
    assert sorted(one.reason for one in target.state.attempts.values()) == ["mute_time_interval", "rate_cap"]
    later = START + 400 * 86_400
    target.flush_due(later)
    assert told(target) == [("new", "firing", ("X:firing",))]


def test_the_end_of_what_was_told_waits_for_the_route_to_speak_again():
    spec = RouteSpec(receiver="r", routes=(RouteSpec(wait=0, interval=60, active_in=("quiet",)),))
    target = gated(spec, Muting(intervals=YEARS))
    apply(target, event("X"), now=START)
    target.flush_due(START)
    assert len(told(target)) == 1
    later = START + 400 * 86_400
    apply(target, event("X", "resolved", sent_at=later), event("Y", starts_at=later), now=later)
    target.flush_due(later)
    assert len(told(target)) == 1
    assert [one.reason for one in target.state.attempts.values()] == ["outside_active_time_interval"]
    target.reconfigure(build_tree(SPEC), target.receivers, later, Muting())
    target.flush_due(later + 61)
    assert {line[2] for line in told(target)} >= {("X:resolved",), ("Y:firing",)}
