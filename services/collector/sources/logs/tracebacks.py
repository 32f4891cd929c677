"""Tracebacks as text (Python's, also of groups and with causes, and JavaScript's stacks) as failures."""

import re

from services.collector.sources.logs.record import Failure, Frame

PYTHON = "Traceback (most recent call last):"
_GROUP = "Exception Group Traceback (most recent call last):"
# A group's lines are drawn into a tree of `|` and `+`.
_TREE = re.compile(r"^\s*(?:\+[-+ ]*(?:\d+ -+)?|\|)\s?")
_FILE = re.compile(r'^\s*File "(?P<file>[^"]*)", line \d+(?:, in (?P<function>.*))?$')
_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?::\s?(?P<message>.*))?$")
_NODE = re.compile(r"^\s*at (?:async )?(?:(?P<function>[^()]+?) \()?(?P<file>[^()]+?):\d+:\d+\)?$")
_NODE_HEAD = re.compile(r"^(?:Uncaught )?(?P<type>[A-Z]\w*(?:Error|Exception))(?: \[[^\]]*\])?(?:: (?P<message>.*))?$")
_CHAINED = ("The above exception was the direct cause", "During handling of the above exception")


def find_failure(text: str) -> Failure | None:
    """Return the exception that a text holds, with its frames; None where there is no traceback in it.

    Of chained exceptions it is the last, the one that nobody caught; of a group it is the group itself.
    """
    if PYTHON in text:
        return _python(text)
    if "\n    at " in text:
        return _node(text)
    return None


def _python(text: str) -> Failure | None:
    start = text.rindex(_GROUP) if _GROUP in text else text.rindex(PYTHON)
    lines = text[start:].splitlines()[1:]
    frames: list[Frame] = []
    for number, line in enumerate(lines):
        bare = _TREE.sub("", line) if line.lstrip().startswith(("|", "+")) else line
        found = _FILE.match(bare)
        if found is not None:
            frames.append(Frame(found["file"], found["function"] or ""))
        elif bare and not bare[0].isspace() and not bare.startswith("["):
            raised = _RAISED.match(bare)
            if raised is None:
                return None
            message = [raised["message"] or "", *_rest(lines[number + 1 :])]
            return Failure(raised["type"], "\n".join(message).strip(), tuple(frames), text[text.index("Traceback") :])
    return None


def _rest(lines: list[str]) -> list[str]:
    # A message may have several lines; a tree's next leaf, a chain and an empty line end it.
    found = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith(("+", "|")) or line.startswith(_CHAINED):
            break
        found.append(line)
    return found


def _node(text: str) -> Failure | None:
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if _NODE.match(line)), 0)
    frames = []
    for line in lines[first:]:
        found = _NODE.match(line)
        if found is None:
            break
        frames.append(Frame(found["file"].removeprefix("file://"), found["function"] or ""))
    head = _NODE_HEAD.match(lines[first - 1].strip()) if first else None
    if head is None or not frames:
        return None
    # Its stacks begin at the innermost call.
    return Failure(head["type"], head["message"] or "", tuple(reversed(frames)), text)
