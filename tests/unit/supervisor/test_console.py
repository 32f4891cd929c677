import io

from services.common.testing.clock import ManualClock
from services.supervisor.console import QUIET_SECONDS, Console
from services.supervisor.process import Notice


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_plain_off_a_terminal_and_coloured_on_it():
    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        Console(ManualClock(), stream).step("api", "ready", seconds=1.26)
    assert plain.getvalue() == "  api          ready  1.3 s\n"
    assert "\033[32mapi" in terminal.getvalue()


async def test_the_same_notice_is_shown_once_a_minute_with_the_count_of_the_others():
    clock, stream = ManualClock(), io.StringIO()
    console = Console(clock, stream)
    notice = Notice("warning", "away", "redis away")
    for _ in range(5):
        console.notice("api", notice)
    assert stream.getvalue().count("redis away") == 1
    console.notice("notifier", notice)
    console.notice("api", Notice("error", "other", "another matter"))
    assert stream.getvalue().count("\n") == 3
    await clock.advance(QUIET_SECONDS)
    console.notice("api", notice)
    assert stream.getvalue().endswith("redis away (and 4 like it since)\n")


def test_a_terminal_that_went_away_stops_nothing():
    class Gone(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    Console(ManualClock(), Gone()).line("hello")
