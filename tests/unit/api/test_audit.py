"""What changes something leaves a line in the audit log: a route that is added must be named here."""

import re
from pathlib import Path

import pytest

import services.api
from services.api.routes import ROUTES

# The route and what it notes; that it does is tested with the route itself in tests/integration/api.
NOTED = {
    "logIn": "login", "logOut": "logout", "changeOwnPassword": "password_changed",
    "createUser": "user_created", "changeUser": "role_changed", "setUserContact": "user_contact_changed",
    "createToken": "token_created", "revokeToken": "token_revoked",
    "acknowledgeAlert": "acknowledge", "acknowledgeAlerts": "acknowledge", "unacknowledgeAlert": "unacknowledge",
    "dismissMaintenanceAlert": "acknowledge", "commentAlert": "comment", "judgeAlert": "verdict",
    "createSilence": "silence", "expireSilence": "expire_silence",
    "createRule": "created", "changeRule": "changed", "deleteRule": "deleted",
    "takeOver": "duty_taken_over", "endTakeover": "takeover_ended", "putPreferences": "preferences_changed",
    "sendTestMessage": "test_sent", "addDeployment": "deployment_recorded",
    "createCheck": "check_created", "changeCheck": "check_changed", "renewCheckKey": "check_key_renewed",
    "deleteCheck": "check_deleted",
    "createTask": "task_created", "addUsualTasks": "task_created", "changeTask": "task_changed",
    "deleteTask": "task_deleted", "tickTask": "task_ticked", "untickTask": "task_unticked",
    "beginAudit": "quality_audit_begun", "postReport": "quality_report_posted",
    "finishAudit": "quality_audit_finished", "deleteAudit": "quality_audit_deleted", "runAudit": "quality_run_started",
}  # fmt: skip
# Asked by POST because the question is long, refused always with the file's name, or a job's report (kept itself).
CHANGES_NOTHING = {
    "previewRule", "testRule", "previewSilence", "changeContact", "changeSchedule", "changeEscalationPolicy",
    "deleteContact", "deleteSchedule", "deleteEscalationPolicy", "ping", "pingKind",
}  # fmt: skip


def test_every_changing_route_is_named():
    assert {route.name for route in ROUTES if route.method != "GET"} == NOTED.keys() | CHANGES_NOTHING


@pytest.mark.parametrize("action", sorted(set(NOTED.values())))
def test_the_action_is_written_somewhere(action):
    folder = Path(services.api.__file__).parent
    texts = [
        path.read_text() for kind in ("py", "sql") for path in folder.glob(f"*/*.{kind}") if "ui" not in path.parts
    ]
    assert any(re.search(rf"[\"']{action}[\"']", text) for text in texts)
