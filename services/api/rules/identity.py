"""Ids of the rules in force, and where each comes from. Pure."""

import hashlib
import re
from pathlib import PurePath

from services.api.overview.evaluated import Rule, RuleGroup, RuleGroups
from services.api.rules.compile import FILE

FOLDER = "api_rules"
_GROUP = re.compile(r"api-(\d+)")


def rule_id(group: RuleGroup, rule: Rule) -> str:
    """Return a rule's id: the number of one made here; else `file-` and a digest of its place and its question."""
    if (made := _GROUP.fullmatch(group.name)) and PurePath(group.file).parts[-2:] == (FOLDER, FILE):
        return made[1]
    text = "\0".join((group.file, group.name, rule.name, rule.query, *map(str, sorted(rule.labels.items()))))
    return f"file-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def with_ids(groups: RuleGroups) -> RuleGroups:
    """Return the groups with an id for each rule."""
    return groups.model_copy(
        update={
            "groups": [
                group.model_copy(
                    update={"rules": [rule.model_copy(update={"id": rule_id(group, rule)}) for rule in group.rules]}
                )
                for group in groups.groups
            ]
        }
    )


def find(groups: RuleGroups | None, wanted: str) -> tuple[RuleGroup, Rule] | None:
    """Return the rule in force that has the id, with its group."""
    for group in groups.groups if groups else ():
        for rule in group.rules:
            if rule_id(group, rule) == wanted:
                return group, rule
    return None
