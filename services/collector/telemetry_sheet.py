"""The collector's own metrics as a sheet, to be written out beside the targets'."""

from services.collector.sheet import Sheet, as_type, format_value, label_text
from services.common.telemetry import Telemetry


def telemetry_sheet(telemetry: Telemetry) -> Sheet:
    """Return the registry's present values; they carry no `target`, as they are the collector's."""
    sheet = Sheet()
    for metric in telemetry.registry.collect():
        # The library names a counter's family without `_total`; in the text format family and sample agree.
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        name = f"{name}_info" if metric.type == "info" else name
        family = sheet.family(name, "gauge" if metric.type == "info" else as_type(metric.type), metric.documentation)
        for sample in metric.samples:
            family.rows.append((sample.name, label_text(sample.labels), format_value(sample.value)))
    return sheet
