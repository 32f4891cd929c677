"""An app that uses prometheus-fastapi-instrumentator: its page as it is, and the view from outside beside it."""

from aiohttp import web

from tests.integration.collector.apps import ok, serving
from tests.integration.collector.conftest import Start

# The instrumentator's default page, shortened: three buckets by handler, many without labels, sizes as summaries.
_PAGE = """\
# HELP python_info Python platform information
# TYPE python_info gauge
python_info{implementation="CPython",major="3",minor="12",patchlevel="3",version="3.12.3"} 1.0
# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79531608361e+09
# HELP http_requests_total Total number of requests by method, status and handler.
# TYPE http_requests_total counter
http_requests_total{handler="/items/{i}",method="GET",status="2xx"} 9954.0
http_requests_total{handler="/boom",method="GET",status="5xx"} 3.0
# HELP http_requests_created Total number of requests by method, status and handler.
# TYPE http_requests_created gauge
http_requests_created{handler="/items/{i}",method="GET",status="2xx"} 1.7953160840e+09
# HELP http_request_size_bytes Content length of incoming requests by handler.
# TYPE http_request_size_bytes summary
http_request_size_bytes_count{handler="/items/{i}"} 9954.0
http_request_size_bytes_sum{handler="/items/{i}"} 0.0
# HELP http_response_size_bytes Content length of outgoing responses by handler.
# TYPE http_response_size_bytes summary
http_response_size_bytes_count{handler="/items/{i}"} 9954.0
http_response_size_bytes_sum{handler="/items/{i}"} 69948.0
# HELP http_request_duration_highr_seconds Latency with many buckets but no API specific labels.
# TYPE http_request_duration_highr_seconds histogram
http_request_duration_highr_seconds_bucket{le="0.01"} 9950.0
http_request_duration_highr_seconds_bucket{le="+Inf"} 9957.0
http_request_duration_highr_seconds_count 9957.0
http_request_duration_highr_seconds_sum 3.5423159500260226
# HELP http_request_duration_seconds Latency with only few buckets by handler.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{handler="/items/{i}",le="0.1",method="GET"} 9954.0
http_request_duration_seconds_bucket{handler="/items/{i}",le="0.5",method="GET"} 9954.0
http_request_duration_seconds_bucket{handler="/items/{i}",le="1.0",method="GET"} 9954.0
http_request_duration_seconds_bucket{handler="/items/{i}",le="+Inf",method="GET"} 9954.0
http_request_duration_seconds_count{handler="/items/{i}",method="GET"} 9954.0
http_request_duration_seconds_sum{handler="/items/{i}",method="GET"} 3.1
"""
_SAMPLES = sum(1 for line in _PAGE.splitlines() if not line.startswith("#") and "_created" not in line)


async def page(_request: web.Request) -> web.Response:
    return web.Response(text=_PAGE, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def test_the_apps_own_numbers_and_the_view_from_outside(start: Start) -> None:
    async with serving({"/metrics": page, "/health": ok}) as port:
        base = f"http://127.0.0.1:{port}"
        running = await start(
            {"fastapi": [{"name": "shop", "metrics_url": f"{base}/metrics", "health_url": f"{base}/health"}]}
        )
        found = await running.samples("/metrics/fastapi")
        whole = (await running.get("/metrics/fastapi"))[1]
    assert found['http_requests_total{target="shop",handler="/boom",method="GET",status="5xx"}'] == 3
    bucket = 'http_request_duration_highr_seconds_bucket{target="shop",le="0.01"}'
    assert found[bucket] == 9950
    assert found['process_start_time_seconds{target="shop"}'] == 1795316083.61
    assert "# TYPE http_request_duration_seconds histogram" in whole
    assert "# TYPE http_response_size_bytes summary" in whole
    own = [name for name in found if name.startswith(("http_", "process_", "python_")) and "_created" not in name]
    assert len(own) == _SAMPLES, "nothing of the app's page is lost or doubled"
    assert found['fastapi_up{target="shop"}'] == 1
    assert found['fastapi_metrics_up{target="shop"}'] == 1
    assert found['probe_success{target="shop"}'] == 1
    assert found['probe_http_status_code{target="shop"}'] == 200
