"""The outcome of unit tests as JUnit XML, which CI systems show."""

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET  # only written, never read

if TYPE_CHECKING:
    from services.evaluator.unit_tests import Report


def as_junit(report: "Report") -> bytes:
    """Return the document: a suite for each file, a case for each test; a file that can't be run is an error."""
    root = ET.Element("testsuites")
    totals = {"tests": 0, "failures": 0, "errors": 0}
    for file in report.files:
        counts = {
            "tests": len(file.cases) or int(bool(file.problem)),
            "failures": sum(bool(case.failures) for case in file.cases),
            "errors": int(bool(file.problem)),
        }
        suite = ET.SubElement(root, "testsuite", {"name": _clean(file.file)} | _texts(counts))
        if file.problem:
            case = ET.SubElement(suite, "testcase", classname=_clean(file.file), name="load")
            ET.SubElement(case, "error", message=_clean(file.problem))
        for one in file.cases:
            case = ET.SubElement(suite, "testcase", classname=_clean(file.file), name=_clean(one.name))
            for failure in one.failures:
                ET.SubElement(case, "failure", message=_clean(failure.partition("\n")[0])).text = _clean(failure)
        totals = {key: totals[key] + counts[key] for key in totals}
    root.attrib.update(_texts(totals))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _texts(counts: dict[str, int]) -> dict[str, str]:
    return {name: str(count) for name, count in counts.items()}


def _clean(text: str) -> str:
    """Return the text without the characters that XML can't hold."""
    return "".join(one if one in "\t\n" or one >= " " else "�" for one in text).translate({0xFFFE: None, 0xFFFF: None})
