"""Putting one sheet's samples onto another."""

from services.collector.sheet import Sheet, escape


def adopt(sheet: Sheet, part: Sheet) -> None:
    """Move the samples of `part`, which must not be used any more."""
    for name, family in part.families.items():
        known = sheet.families.setdefault(name, family)
        if known is not family:
            known.rows.extend(family.rows)


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


def keep_first(sheet: Sheet) -> None:
    """Drop samples whose series is there already: what is named twice, as by a key and a pattern, is given once."""
    for family in sheet.families.values():
        seen: dict[tuple[str, str], tuple[str, str, str]] = {}
        for row in family.rows:
            seen.setdefault(row[:2], row)
        family.rows = list(seen.values())
