"""The inbox as a page: each message as its receiver sees it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from string import Template
from typing import Protocol


class Shown(Protocol):
    """What a message needs for being shown."""

    @property
    def at(self) -> float: ...  # noqa: D102
    @property
    def channel(self) -> str: ...  # noqa: D102
    @property
    def to(self) -> str: ...  # noqa: D102
    @property
    def subject(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def html(self) -> str: ...  # noqa: D102


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3"><title>Inbox ($count)</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 0 auto; padding: 1rem; }
article { border: 1px solid #8884; border-radius: .6rem; margin: 1rem 0; overflow: hidden; }
header { padding: .6rem 1rem; background: #8881; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .2rem 0 0; opacity: .75; font-size: .85rem; }
pre { margin: 0; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
iframe { width: 100%; height: 22rem; border: 0; background: #fff; }
</style></head><body><h1>Inbox</h1>
<p>What Tocsin has sent to the demo's on-call address. The page renews itself.</p>
$messages
</body></html>
""")


def render(messages: Sequence[Shown]) -> str:
    """Return the whole page; texts are escaped, HTML mail is shown in a sandbox without scripts."""
    if not messages:
        return _PAGE.substitute(count=0, messages="<p>Nothing yet. Try <code>tocsin demo break celery</code>.</p>")
    return _PAGE.substitute(count=len(messages), messages="\n".join(_article(m) for m in messages))


def _article(message: Shown) -> str:
    at = datetime.fromtimestamp(message.at, UTC).strftime("%H:%M:%S UTC")
    body = (
        f'<iframe sandbox="" title="HTML mail" srcdoc="{escape(message.html)}"></iframe>'
        if message.html
        else f"<pre>{escape(message.text)}</pre>"
    )
    return (
        f"<article><header><h2>{escape(message.subject)}</h2>"
        f"<p>{escape(message.channel)} to {escape(message.to)}, {at}</p></header>{body}</article>"
    )
