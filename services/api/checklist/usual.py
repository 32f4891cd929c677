"""Tasks that nearly every team has, offered for an empty checklist; pure."""

from services.api.checklist.model import TaskBody

_DAY = 86_400.0


def _task(name: str, cadence: str, description: str, grace_days: float) -> TaskBody:
    return TaskBody.model_validate(
        {"name": name, "cadence": cadence, "description": description, "grace_seconds": grace_days * _DAY}
    )


USUAL: tuple[TaskBody, ...] = (
    _task("Look through new errors", "daily", "Maintenance, Errors in logs: is a kind of error new or growing?", 1),
    _task(
        "Look through failed tasks", "daily", "Celery's failed and missed tasks of the last day: run or mend them.", 1
    ),
    _task("Restore test of a backup", "weekly", "Restore the newest backup elsewhere and compare counts of rows.", 2),
    _task("Look through noisy alerts", "weekly", "Statistics: mend or remove the rules that were false alarms.", 3),
    _task("Update dependencies", "weekly", "Update what has a security fix; run the tests; deploy.", 3),
    _task("Review of access", "monthly", "Who may log in here, to the database and the hosts? Remove who has left.", 7),
    _task("Look at capacity", "monthly", "Trends over 30 days: disk, memory, connections. When is it full?", 7),
    _task("Certificates and secrets", "monthly", "What ends within two months? Renew it; change old secrets.", 7),
)
