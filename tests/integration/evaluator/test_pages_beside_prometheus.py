"""Odd pages, scraped by a real Prometheus and by us: the same series and values, or both refuse the page."""

import json
import shutil
from contextlib import AsyncExitStack, suppress

import pytest
from aiohttp import ClientSession, web

from tests.fixtures.ports import free_port
from tests.integration.evaluator.conftest import Peer, listen, until

pytestmark = pytest.mark.integration
TEXT, OPEN = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
PAGES = {
    TEXT: [
        "a 1\n",
        "a 1",
        "a{} 1\n",
        'a{x="1",} 1\n',
        'a { x = "1" } 1\n',
        "\na 1\n",
        "\n\n\n",
        "",
        "# c\n",
        "a NaN\n",
        "a +Inf\n",
        "a -inf\n",
        "a 0x1p3\n",
        "a 1e3\n",
        "a 1_000\n",
        "a\t1\n",
        "a  1  \n",
        'a{x="a\\nb\\\\c\\"d"} 1\n',
        "a 1\r\n",
        "# TYPE a foo\na 1\n",
        "# TYPE a counter\na 1\n",
        "# HELP a\na 1\n",
        "a{x='1'} 1\n",
        'a{x="1" y="2"} 1\n',
        "1a 1\n",
        "a-b 1\n",
        'a{x=""} 1\n',
        'a{x="\\q"} 1\n',
        "a 1\na 2\n",
        "a 1 2 3\n",
        "a\n",
        " a 1\n",
        'a{x="1"}1\n',
        "a nan\n",
        "a Infinity\n",
        "a 1.\n",
        "a .5\n",
        "a --1\n",
        "a 1d\n",
        'a{x="é"} 1\n',
        "{} 1\n",
        "#TYPE a counter\na 1\n",
        "# TYPE a\na 1\n",
        "# EOF\na 1\n",
        "a 1 # comment\n",
        "a:b:c 1\n",
        ":a 1\n",
        'a{x:y="1"} 1\n',
        'a{1="1"} 1\n',
        "a 1 -5\n",
        "a 1 x\n",
        "a 1 1.5\n",
        'a{x="1} 1\n',
        'a{x="1"\n',
        "a 1e400\n",
        "a 1e-400\n",
        "a 0b1\n",
        "a 0x\n",
        "a 0xfp\n",
        "a 1e\n",
        "a +1\n",
        "a ++1\n",
        "a 1,5\n",
        "a TRUE\n",
        "a inf\n",
        "a +INF\n",
        "a infinit\n",
        "a 0777\n",
        "a 1 \n b 2\n",
        'a{le="1"} 1\na{le="2"} 2\n',
        "# TYPE a counter\n# TYPE a gauge\na 1\n",
        "a{,} 1\n",
        'a{,x="1"} 1\n',
        'a{x="1",,y="2"} 1\n',
    ],
    OPEN: [
        "a 1\n# EOF\n",
        "a 1\n# EOF",
        "a 1\n",
        "a 1\n# EOF\nb 1\n",
        "# TYPE a counter\na_total 1\n# EOF\n",
        "a 1 1.5\n# EOF\n",
        "a  1\n# EOF\n",
        "\na 1\n# EOF\n",
        "# c\na 1\n# EOF\n",
        'a_bucket{le="1"} 1 # {t="1"} 0.5\n# EOF\n',
        "a 1 # {} 1 1.5\n# EOF\n",
        "# UNIT a_s s\na_s 1\n# EOF\n",
        "# EOF\n",
        "",
        'a{x="1",} 1\n# EOF\n',
        "a{} 1\n# EOF\n",
        "a NaN\n# EOF\n",
        "a 1 # nothing\n# EOF\n",
        "# TYPE a foo\na 1\n# EOF\n",
        '# TYPE a stateset\na{a="x"} 1\n# EOF\n',
        '# TYPE a info\na_info{v="1"} 1\n# EOF\n',
        "a 1 \n# EOF\n",
        'a{ x="1"} 1\n# EOF\n',
    ],
}


@pytest.fixture
async def both(rig, tmp_path):
    """Each page is the target of a job of its own, `t0`, `t1` …; gives what a server knows of each."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    every = [(kind, page) for kind, pages in PAGES.items() for page in pages]

    async def answer(request: web.Request) -> web.Response:
        kind, page = every[int(request.path.removeprefix("/p"))]
        return web.Response(body=page.encode(), headers={"Content-Type": kind})

    async with AsyncExitStack() as stack:
        address = await listen(stack, answer)
        jobs = [
            {"job_name": f"t{n}", "metrics_path": f"/p{n}", "static_configs": [{"targets": [address]}],
             # Timestamps of 1970 are beyond what a head takes.
             "honor_timestamps": False}
            for n in range(len(every))
        ]  # fmt: skip
        home, port = tmp_path / "peer", free_port()
        home.mkdir()
        (home / "p.yml").write_text(json.dumps({"global": {"scrape_interval": "2s"}, "scrape_configs": jobs}))
        peer = Peer("prometheus", [
            f"--config.file={home}/p.yml", f"--storage.tsdb.path={home}/tsdb", f"--web.listen-address=127.0.0.1:{port}",
        ], port, "")  # fmt: skip
        stack.callback(peer.kill)
        rig.settings = {"retain": "all", "global": {"scrape_interval": "2s"}, "scrape_configs": jobs}
        await rig.start()
        await until(peer.answers)

        async def theirs(path):
            async with ClientSession() as session, session.get(f"{peer.url}/api/v1/{path}") as response:
                return (await response.json())["data"]

        async def known(ask):
            targets = (await ask("targets"))["activeTargets"]
            health = {one["scrapePool"]: one["health"] for one in targets}
            if len(health) != len(every) or "unknown" in health.values():
                return None
            found = {name: (up, []) for name, up in health.items()}
            names = '{job=~"t.*",__name__!~"up|scrape_.*"}'
            for one in (await ask(f"query?query={names}"))["result"]:
                labels = {name: value for name, value in one["metric"].items() if name not in {"job", "instance"}}
                found[one["metric"]["job"]][1].append((sorted(labels.items()), one["value"][1]))
            return {name: (up, sorted(series)) for name, (up, series) in found.items()}

        yield every, lambda: known(rig.api), lambda: known(theirs)


# Pages whose meaning is plain although they break the format's letter: Prometheus fails the scrape, we read them.
LENIENT = {
    (TEXT, "a 1\r\n"), (TEXT, "# TYPE a foo\na 1\n"), (TEXT, " a 1\n"), (TEXT, "# TYPE a\na 1\n"), (TEXT, "a 1 -5\n"),
    (TEXT, "a 1e400\n"), (TEXT, "a 1 \n b 2\n"), (OPEN, "a  1\n# EOF\n"), (OPEN, "# c\na 1\n# EOF\n"),
    (OPEN, "a 1 # {} 1 1.5\n# EOF\n"), (OPEN, 'a{x="1",} 1\n# EOF\n'), (OPEN, "# TYPE a foo\na 1\n# EOF\n"),
    (OPEN, "a 1 \n# EOF\n"), (OPEN, 'a{ x="1"} 1\n# EOF\n'),
}  # fmt: skip


async def test_pages_come_to_the_same(both):
    every, ask_us, ask_them = both
    different = {}

    async def settled():
        # A scrape that a busy machine let time out is made good by the next.
        ours, theirs = await ask_us(), await ask_them()
        if ours is None or theirs is None:
            return False
        different.clear()
        for n, page in enumerate(every):
            if ours[f"t{n}"] != theirs[f"t{n}"]:
                different[page] = {"ours": ours[f"t{n}"], "theirs": theirs[f"t{n}"]}
        return different.keys() == LENIENT and all(found["theirs"] == ("down", []) for found in different.values())

    with suppress(TimeoutError):
        await until(settled, 60)
    assert {page: found for page, found in different.items() if page not in LENIENT} == {}
    assert different.keys() == LENIENT
    assert all(found["theirs"] == ("down", []) for found in different.values())
