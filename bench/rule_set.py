"""Mixed rules as they are written for real: thresholds, ratios, quantiles, absence, averages, forecasts, joins."""

from bench.exporter import METHODS, PATHS, QUEUES

_HTTP = 'handler="/api/v1/items/{path}",method="{method}"'
_KINDS = (
    'process_queue_depth{{queue="orders-{queue}"}} > {bound}',
    "sum by (instance) (rate(http_requests_total{{" + _HTTP + ',code="500"}}[{w}])) '
    "/ sum by (instance) (rate(http_requests_total{{" + _HTTP + "}}[{w}])) > {share}",
    "histogram_quantile(0.99, sum by (le, instance) (rate(http_request_duration_seconds_bucket{{"
    + _HTTP
    + "}}[{w}]))) > {quantile}",
    'absent(up{{job="bench",instance="gone-{n}"}})',
    'avg_over_time(process_queue_depth{{queue="orders-{queue}"}}[{w}]) > {bound}',
    'predict_linear(pool_memory_used_bytes{{pool="pool-{queue}"}}[{w}], 3600) > 1e9',
    'changes(pool_memory_used_bytes{{pool="pool-{queue}"}}[{w}]) > 1e6',
    "sum by (handler) (increase(http_requests_total{{" + _HTTP + "}}[{w}])) < 0",
    (
        'process_queue_depth{{queue="orders-{queue}"}} / on (instance) group_left () '
        'sum by (instance) (process_queue_depth{{shard="s{shard}"}}) > 1'
    ),
    'max by (instance) (max_over_time(pool_memory_used_bytes{{tier="t{tier}",pool=~"pool-{queue}.*"}}[{w}])) > 1e9',
)


def mixed_rules(count: int, window: str) -> dict[str, list[dict[str, object]]]:
    """Return a rule file of `count` alerting rules, one kind after another, with windows of the given length."""
    rules = []
    for n in range(count):
        expr = _KINDS[n % len(_KINDS)].format(
            n=n,
            w=window,
            path=n % PATHS,
            method=METHODS[n // len(_KINDS) % len(METHODS)],
            queue=n * 7 % QUEUES,
            shard=n % 7,
            tier=n % 3,
            bound=100_000 + n,
            share=f"1.{n:04d}",
            quantile=100 + n,
        )
        rules.append({"alert": f"Bench{n}", "expr": expr, "for": "1m", "labels": {"severity": "warning"}})
    return {"groups": [{"name": f"bench-{start}", "rules": rules[start : start + 50]} for start in range(0, count, 50)]}
