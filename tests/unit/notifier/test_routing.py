from services.notifier.matchers import parse_matchers
from services.notifier.routing import RouteSpec, Timing, build_tree, format_labels, group_key


def node(receiver=None, matchers="{}", *routes, **more) -> RouteSpec:
    return RouteSpec(receiver=receiver, matchers=parse_matchers(matchers), routes=routes, **more)


TREE = build_tree(
    node(
        "default",
        "{}",
        node("db", 'team="db"', node("db-page", "severity=critical"), node("db-night", "severity=critical")),
        node("audit", "audit=yes", continues=True),
        node("web", "team=~web.*"),
        group_by=("alertname",),
        wait=1,
    )
)


def receivers(**labels: str) -> list[str]:
    return [route.receiver for route in TREE.match(labels)]


def test_the_deepest_first_match_takes_it():
    assert receivers(team="db", severity="critical") == ["db-page"]
    assert receivers(team="db", severity="info") == ["db"]
    assert receivers(team="webshop") == ["web"]
    assert receivers(team="else") == ["default"]


def test_continue_goes_on_to_the_siblings():
    assert receivers(team="webshop", audit="yes") == ["audit", "web"]
    assert receivers(audit="yes") == ["audit"]


def test_a_tree_that_does_not_match_gives_nothing():
    assert build_tree(node("x", "a=b")).match({}) == []


def test_children_inherit_what_they_do_not_say():
    parent = build_tree(node("p", "{}", node(None, "a=b", interval=7), group_by=("x",), wait=3, interval=5, repeat=9))
    (child,) = parent.routes
    assert child.receiver == "p"
    assert child.group_by == {"x"}
    assert child.timing == Timing(3, 7, 9)
    assert build_tree(node("p")).timing == Timing(30, 300, 14_400)


def test_group_by_everything_can_be_taken_back_below():
    tree = build_tree(node("p", "{}", node(None, "a=b", group_by=("a",)), group_by=("...",)))
    labels = {"b": "2", "a": "1"}
    assert tree.group_labels(labels) == {"a": "1", "b": "2"}
    assert tree.routes[0].group_labels(labels) == {"a": "1"}
    assert tree.routes[0].group_labels({"c": "3"}) == {}


def test_keys_are_alertmanagers():
    (route,) = TREE.match({"team": "db", "severity": "critical"})
    labels = route.group_labels({"alertname": 'X "1"', "team": "db"})
    assert group_key(route, labels) == '{}/{team="db"}/{severity="critical"}:{alertname="X \\"1\\""}'
    assert format_labels({"b": "2", "a": "1\n"}) == '{a="1\\n", b="2"}'


def test_ids_are_unique_and_do_not_depend_on_other_routes():
    twice = build_tree(node("p", "{}", node("c", "a=b"), node("x", "z=z"), node("c", "a=b")))
    ids = [route.route_id for route in twice.walk()]
    assert len(set(ids)) == len(ids)
    assert ids[1] == build_tree(node("p", "{}", node("c", "a=b"))).routes[0].route_id
