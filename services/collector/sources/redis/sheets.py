"""Putting one sheet's samples onto another."""

from services.collector.sheet import Sheet, escape


def merge(sheet: Sheet, part: Sheet, *, node: str = "") -> None:
    """Add the samples of `part`, with the label `node` in front where it is given."""
    if not node:
        for family in part.families.values():
            sheet.family(family.name, family.type, family.help).rows.extend(family.rows)
        return
    extra = f'node="{escape(node)}"'
    for family in part.families.values():
        rows = sheet.family(family.name, family.type, family.help).rows
        rows.extend((sample, f"{extra},{labels}" if labels else extra, value) for sample, labels, value in family.rows)
