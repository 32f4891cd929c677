"""Names of other letters than of old, and series that bring times of their own: what each key of a job does."""

import pytest
from pydantic import ValidationError

from services.evaluator.scrape.config import GlobalConfig, ScrapeConfig
from services.evaluator.scrape.errors import ScrapeError
from tests.unit.evaluator.scrape.test_loop import Rig

UTF8 = '{"größe.bytes","wo.genau"="hier"} 1\nplain{x="y"} 2\n'


def job(defaults=None, **keys):
    made = ScrapeConfig.model_validate({"job_name": "j", **keys})
    return made if defaults is None else made.with_defaults(GlobalConfig.model_validate(defaults))


@pytest.mark.parametrize(
    ("keys", "defaults", "accept"),
    [
        # Prometheus 3's own header.
        (
            {}, {}, ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
            "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"),
        ),
        (
            {"metric_name_validation_scheme": "legacy", "scrape_protocols": ["PrometheusText1.0.0"]}, {},
            "text/plain;version=1.0.0;escaping=underscores;q=0.2,*/*;q=0.1",
        ),
        (
            {"metric_name_escaping_scheme": "dots", "scrape_protocols": ["OpenMetricsText1.0.0"]}, {},
            "application/openmetrics-text;version=1.0.0;escaping=dots;q=0.2,*/*;q=0.1",
        ),
        (
            {}, {"scrape_protocols": ["PrometheusText1.0.0"], "metric_name_escaping_scheme": "values"},
            "text/plain;version=1.0.0;escaping=values;q=0.2,*/*;q=0.1",
        ),
        (
            {"scrape_protocols": ["PrometheusText0.0.4"]},
            {"scrape_protocols": ["PrometheusText1.0.0"], "metric_name_validation_scheme": "legacy"},
            "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        ),
    ],
)  # fmt: skip
def test_what_is_asked_for(keys, defaults, accept):
    assert job(defaults, **keys).accept == accept


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"metric_name_validation_scheme": "legacy", "metric_name_escaping_scheme": "allow-utf-8"}, "legacy scheme"),
        ({"metric_name_escaping_scheme": "stars"}, "allow-utf-8"),
        ({"scrape_protocols": []}, "at least 1"),
    ],
)
def test_refused(keys, words):
    with pytest.raises(ValidationError, match=words):
        job(**keys)


async def test_names_in_quotes_are_kept_as_they_are():
    rig = Rig()
    await rig.scrape(UTF8)
    assert rig.value('{"größe.bytes", "wo.genau"="hier"}') == [1]
    assert rig.value("up") == [1]


@pytest.mark.parametrize("page", [UTF8, 'plain{"wo.genau"="hier"} 1\n', '{"1st"} 1\n'])
async def test_the_legacy_scheme_refuses_them(page):
    rig = Rig(metric_name_validation_scheme="legacy")
    await rig.scrape(page)
    assert "metric_name_validation_scheme legacy refuses" in rig.loop.status.last_error
    assert rig.value("up") == [0]
    await rig.scrape('job:plain_total{_x="é"} 2\n')
    assert rig.value("job:plain_total") == [2]


def timed(rig, name="a", ago=0.0):
    return f"{name} 1 {round((rig.clock.now() + 10 - ago) * 1000)}\n"


@pytest.mark.parametrize("tracked", [False, True])
async def test_a_series_with_its_own_time_ends_by_the_look_back_or_at_once(tracked):
    rig = Rig(track_timestamps_staleness=tracked)
    await rig.scrape(timed(rig) + "b 1\n")
    assert rig.value("a") == [1]
    await rig.scrape("b 1\n")
    assert rig.value("a") == ([] if tracked else [1])
    await rig.scrape(timed(rig) + "b 1\n")
    assert rig.value("a") == [1]


@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize("how", ["failure", "end"])
async def test_so_it_does_when_its_target_goes(tracked, how):
    rig = Rig(track_timestamps_staleness=tracked)
    await rig.scrape(timed(rig, ago=3) + timed(rig, "c"))
    if how == "end":
        rig.loop.end()
        rig.clock.jump(1)
    else:
        await rig.scrape(ScrapeError("timeout", "no answer within 5 s"))
        await rig.scrape(ScrapeError("timeout", "no answer within 5 s"))
    assert rig.value('{__name__=~"a|c"}') == ([] if tracked else [1, 1])


async def test_a_time_that_is_older_than_the_end_is_not_taken():
    rig = Rig(track_timestamps_staleness=True)
    old = timed(rig)
    await rig.scrape(old)
    await rig.scrape("b 1\n")
    await rig.scrape(old)
    assert rig.value("a") == []
