"""XML read as a stream, without entities: a report is another machine's text; pure."""

from collections.abc import Mapping
from typing import NoReturn, Protocol
from xml.parsers import expat

from services.api.quality.report import ReportError

_DEEPEST = 64


class Reader(Protocol):
    """Takes the elements as they begin and end; a ReportError that it raises is given the line."""

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""


def read_xml(raw: bytes, reader: Reader, what: str) -> None:
    """Give the elements to the reader; raises ReportError with the line, also for a DOCTYPE or an entity."""
    parser = expat.ParserCreate()
    depth = 0

    def refuse(*_: object) -> NoReturn:
        raise ReportError("a DOCTYPE is not taken", f"Send {what} without a document type.")

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ReportError("the elements are nested too deeply", f"Send {what}.")
        reader.begin(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(tag)

    # Entities can only be declared in a DOCTYPE, so nothing is ever expanded or fetched.
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        message = expat.ErrorString(error.code)
        raise ReportError(f"this is no XML ({message})", f"Send {what}, whole.", error.lineno) from error
    except ReportError as error:
        raise ReportError(str(error), error.mend, parser.CurrentLineNumber) from error
