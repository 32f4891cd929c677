"""What can be done with rules: make, change, delete, preview, dry-run, draw."""

from services.api.alerts.chart import limits_of, series_of
from services.api.alerts.model import AlertChart
from services.api.evaluator import EvaluatorClient, EvaluatorError, evaluator_away
from services.api.overview.state import OverviewState
from services.api.problem import ProblemError
from services.api.rules.compile import expression, rule_file
from services.api.rules.delivery import RuleDelivery
from services.api.rules.dry_run import dry_run, grid
from services.api.rules.identity import find
from services.api.rules.model import ApiRule, ApiRuleDetail, ChangeBody, DryRun, RuleBody, RulePreview, RuleProblem
from services.api.rules.store import RuleNameTakenError, RuleStore
from services.api.trends.store import TrendStore
from services.common.clock import Clock
from services.common.storage import StorageUnavailableError

_MAX_DIGITS = 18
_HOUR = 3600


class RuleBook:
    """Rules of files are read-only here; those made here are checked by the evaluator before they are kept."""

    def __init__(
        self,
        store: RuleStore,
        delivery: RuleDelivery,
        evaluator: EvaluatorClient,
        overview: OverviewState,
        trends: TrendStore,
        clock: Clock,
    ) -> None:
        self._store, self._delivery, self._evaluator = store, delivery, evaluator
        self._overview, self._trends, self._clock = overview, trends, clock

    async def all(self) -> list[ApiRule]:
        """Return the rules made here."""
        return await self._store.all()

    async def yaml(self) -> str:
        """Return the rules made here as a rule file."""
        return rule_file((one.id, one.rule) for one in await self._store.all())

    async def one(self, rule_id: str) -> ApiRuleDetail:
        """Return one rule; raises ProblemError 404, or 409 for a rule of a file."""
        found = await self._store.one(self._number(rule_id))
        if found is None:
            raise _unknown()
        return found

    async def create(self, rule: RuleBody, by: str) -> ApiRuleDetail:
        """Keep a new rule; raises ProblemError 400, 409 or 503."""
        await self._check(rule)
        try:
            rule_id = await self._store.create(rule, by)
        except RuleNameTakenError as error:
            raise _name_taken(rule) from error
        await self._delivery.deliver()
        return await self.one(str(rule_id))

    async def change(self, rule_id: str, body: ChangeBody, by: str) -> ApiRuleDetail:
        """Put a rule in place of one; raises ProblemError 400, 404, 409 or 503."""
        number = self._number(rule_id)
        rule = RuleBody.model_validate(body.model_dump(exclude={"version"}))
        known = await self.one(rule_id)
        await self._check(rule)
        try:
            changed = await self._store.change(number, body.version, rule, by)
        except RuleNameTakenError as error:
            raise _name_taken(rule) from error
        if not changed:
            raise ProblemError(
                409,
                "other-version",
                f"{known.updated_by} changed the rule meanwhile: it is at version {known.version}.",
                "Read it again, and change that.",
            )
        await self._delivery.deliver()
        return await self.one(rule_id)

    async def delete(self, rule_id: str, by: str) -> None:
        """Take a rule out of force; raises ProblemError 404, 409 or 503."""
        if not await self._store.delete(self._number(rule_id), by):
            raise _unknown()
        await self._delivery.deliver()

    async def preview(self, rule: RuleBody, hours: float) -> RulePreview:
        """Return what a rule that is not kept compiles to, its problems, and when it would have fired."""
        problems = await self._problems(rule)
        bad = any(one.severity == "error" for one in problems)
        run = None if bad else await self._dry_run(expression(rule), rule.for_seconds, hours)
        return RulePreview(expr=expression(rule), yaml=rule_file([("draft", rule)]), problems=problems, dry_run=run)

    async def test(self, rule_id: str, hours: float) -> DryRun:
        """Return when a rule, of a file or made here, would have fired; raises ProblemError 404 or 503."""
        if (found := find(self._overview.rules, rule_id)) is not None:
            rule = found[1]
            return await self._dry_run(rule.query, float((rule.model_extra or {}).get("duration", 0.0)), hours)
        kept = await self.one(rule_id)
        return await self._dry_run(kept.expr, kept.rule.for_seconds, hours)

    async def chart(self, rule_id: str) -> AlertChart:
        """Return the last hour of what a rule compares, with its limits; raises ProblemError 404 or 503."""
        found = find(self._overview.rules, rule_id)
        if found is None:
            raise _unknown()
        rule = found[1]
        compared, thresholds = limits_of(rule, rule.labels.get("severity", ""))
        expr = compared or rule.query
        end = self._clock.now()
        start, step = end - _HOUR, 15
        try:
            matrix = await self._evaluator.range(expr, start, end, step)
        except EvaluatorError as error:
            raise evaluator_away(error) from error
        series = series_of(matrix, {})
        return AlertChart(expr=expr, start=start, end=end, step=step, thresholds=thresholds, series=series)

    async def _dry_run(self, expr: str, hold: float, hours: float) -> DryRun:
        try:
            recorded = await self._is_recorded(expr)
            window = grid(self._clock.now(), hours, recorded=recorded)
            matrix = await self._evaluator.range(expr, *window, past=recorded)
        except EvaluatorError as error:
            raise evaluator_away(error) from error
        return dry_run(expr, matrix, hold, window, recorded=recorded)

    async def _is_recorded(self, expr: str) -> bool:
        """Tell whether all that an expression reads is in the history and that answers."""
        names = await self._evaluator.metrics_of(expr)
        try:
            return bool(names) and names <= await self._trends.known(sorted(names))
        except StorageUnavailableError:
            return False

    async def _problems(self, rule: RuleBody) -> list[RuleProblem]:
        try:
            return await self._evaluator.check_rules(rule_file([("draft", rule)]))
        except EvaluatorError as error:
            raise evaluator_away(error) from error

    async def _check(self, rule: RuleBody) -> None:
        errors = [one for one in await self._problems(rule) if one.severity == "error"]
        if errors:
            raise ProblemError(
                400,
                "rule-refused",
                "; ".join(one.problem for one in errors),
                "; ".join(dict.fromkeys(one.mend for one in errors if one.mend)) or "Correct the rule.",
            )

    def _number(self, rule_id: str) -> int:
        if rule_id.isascii() and rule_id.isdigit() and len(rule_id) <= _MAX_DIGITS:
            return int(rule_id)
        found = find(self._overview.rules, rule_id)
        if found is None:
            raise _unknown()
        group, rule = found
        line = f":{rule.tocsin.line}" if rule.tocsin else ""
        raise ProblemError(
            409,
            "rule-of-a-file",
            f"The rule {rule.name} stands in {group.file}{line}, and files are read-only here.",
            "Change the file where it is kept; the evaluator takes it within moments.",
        )


def _unknown() -> ProblemError:
    return ProblemError(404, "unknown-rule", "There is no such rule.", "Take an id from GET rules.")


def _name_taken(rule: RuleBody) -> ProblemError:
    return ProblemError(
        409, "name-taken", f"A rule named {rule.name} is there.", "Take another name, or change that rule."
    )
