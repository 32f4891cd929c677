from hypothesis import given
from hypothesis import strategies as st

from services.collector.sheet import Sheet
from services.collector.sources.redis.commands import CommandStats, Stats, StatsReader, write_commands, write_errors

NEW = "cmdstat_get:calls=7,usec=21,usec_per_call=3.00,rejected_calls=1,failed_calls=2\r\n"
OLD = "cmdstat_set:calls=5,usec=10,usec_per_call=2.00\r\n"


def test_lines_of_all_versions() -> None:
    reader = StatsReader()
    found = reader.read(NEW + OLD + "cmdstat_config|get:calls=1,usec=2,usec_per_call=2.00\r\nnoise\r\n")
    assert found == {"get": (7, 21, 1, 2), "set": (5, 10, 0, 0), "config|get": (1, 2, 0, 0)}


def test_an_unchanged_line_is_not_read_again() -> None:
    reader = StatsReader()
    first, second = reader.read(NEW), reader.read(NEW)
    assert first["get"] is second["get"]


def test_few_commands_all_stand_by_name() -> None:
    stats = {"get": (7, 21, 1, 2), "set": (5, 10, 0, 0)}
    shown = CommandStats(2).take(stats)
    assert dict(shown.named) == stats
    assert shown.other is None


def test_the_busiest_stand_by_name_and_the_rest_is_summed() -> None:
    memory = CommandStats(1)
    shown = memory.take({"get": (7, 100, 0, 0), "set": (5, 10, 1, 2), "del": (1, 1, 0, 0)})
    assert list(shown.named) == ["get"]
    assert shown.other == (6, 11, 1, 2)
    assert memory.busiest(5) == ["get"]


def test_a_command_takes_anothers_place_only_with_twice_its_time() -> None:
    memory = CommandStats(1)
    memory.take({"get": (1, 100, 0, 0), "set": (1, 10, 0, 0)})
    assert list(memory.take({"get": (1, 100, 0, 0), "set": (9, 200, 0, 0)}).named) == ["get"]
    shown = memory.take({"get": (1, 100, 0, 0), "set": (10, 201, 0, 0)})
    assert list(shown.named) == ["set"]
    # What `set` did while it was summed stays in the sum: that may never go back.
    assert shown.other == (9, 200, 0, 0)
    assert memory.take({"get": (3, 102, 0, 0), "set": (10, 201, 0, 0)}).other == (11, 202, 0, 0)


def test_a_restart_of_the_server_does_not_take_the_sum_back() -> None:
    memory = CommandStats(1)
    memory.take({"get": (7, 100, 0, 0), "set": (5, 10, 0, 0)})
    shown = memory.take({"get": (1, 9, 0, 0), "set": (2, 3, 0, 0)})
    assert shown.other == (7, 13, 0, 0)


step = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1)


@given(st.lists(step, min_size=1, max_size=12), st.integers(1, 4))
def test_the_sum_never_goes_back(steps: list[dict[str, tuple[int, int]]], most: int) -> None:
    memory, totals, last = CommandStats(most), dict[str, Stats](), (0, 0, 0, 0)
    for done in steps:
        for cmd, (calls, usec) in done.items():
            before = totals.get(cmd, (0, 0, 0, 0))
            totals[cmd] = (before[0] + calls, before[1] + usec, 0, 0)
        shown = memory.take(totals)
        assert len(shown.named) == min(most, len(totals))
        if shown.other is not None:
            assert all(new >= old for new, old in zip(shown.other, last, strict=True))
            last = shown.other


def test_writing() -> None:
    sheet = Sheet()
    write_commands(sheet, CommandStats(1).take({"get": (7, 21, 1, 2), "set": (5, 10, 0, 0)}))
    assert sheet.value("redis_commands_total", cmd="get") == 7
    assert sheet.value("redis_commands_total", cmd="other") == 5
    assert sheet.value("redis_commands_duration_seconds_total", cmd="get") == 21e-6
    assert sheet.value("redis_commands_failed_calls_total", cmd="get") == 2
    assert sheet.value("redis_commands_rejected_calls_total", cmd="get") == 1


def test_error_kinds_are_bounded() -> None:
    sheet = Sheet()
    write_errors(sheet, "".join(f"errorstat_E{n}:count={n}\r\n" for n in range(200)))
    assert len(sheet.families["redis_errors_total"].rows) == 64
    assert sheet.value("redis_errors_total", err="E199") == 199
    assert sheet.value("redis_errors_total", err="E1") is None
