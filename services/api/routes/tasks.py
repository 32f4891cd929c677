"""The maintenance checklist: what is to be done again and again, and who did it."""

from aiohttp import web

from services.api.checklist.model import TaskBody, TaskDetail, Tasks, TickBody
from services.api.checklist.store import (
    MOST_TASKS,
    NotManualError,
    TaskNameTakenError,
    TooManyTasksError,
    UnknownCheckError,
)
from services.api.checklist.usual import USUAL
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError

_PATH = "/api/admin/monitoring/maintenance/tasks"
_MAX_ID_DIGITS = 18


def _unknown(what: str = "task") -> ProblemError:
    return ProblemError(404, f"unknown-{what}", f"There is no such {what}.", f"See GET {_PATH}.")


def _taken(name: str) -> ProblemError:
    return ProblemError(409, "name-taken", f"Another task is named {name!r}.", "Take another name.")


def _no_check() -> ProblemError:
    return ProblemError(
        400, "unknown-check", "There is no check with this check_id.", "See GET /api/admin/monitoring/checks."
    )


def _too_many() -> ProblemError:
    return ProblemError(409, "too-many-tasks", f"More than {MOST_TASKS} tasks.", "Delete those that nobody needs.")


def _number(text: str, what: str = "task") -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS):
        raise _unknown(what)
    return int(text)


async def _one(api: Api, task_id: int) -> TaskDetail:
    found = await api.checklist.one(task_id)
    if found is None:
        raise _unknown()
    return found


async def _list(api: Api, _call: Call[Nothing, Nothing]) -> Tasks:
    return await api.checklist.all()


async def _detail(api: Api, call: Call[Nothing, Nothing]) -> TaskDetail:
    return await _one(api, _number(call.path["id"]))


async def _create(api: Api, call: Call[Nothing, TaskBody]) -> TaskDetail:
    try:
        task_id = await api.checklist.store.create(call.body, call.identity.username)
    except TaskNameTakenError as error:
        raise _taken(call.body.name) from error
    except UnknownCheckError as error:
        raise _no_check() from error
    except TooManyTasksError as error:
        raise _too_many() from error
    await api.checklist.refresh()
    return await _one(api, task_id)


async def _add_usual(api: Api, call: Call[Nothing, Nothing]) -> Tasks:
    try:
        await api.checklist.store.create_missing(USUAL, call.identity.username)
    except TooManyTasksError as error:
        raise _too_many() from error
    await api.checklist.refresh()
    return await api.checklist.all()


async def _change(api: Api, call: Call[Nothing, TaskBody]) -> TaskDetail:
    task_id = _number(call.path["id"])
    try:
        found = await api.checklist.store.change(task_id, call.body, call.identity.username)
    except TaskNameTakenError as error:
        raise _taken(call.body.name) from error
    except UnknownCheckError as error:
        raise _no_check() from error
    if not found:
        raise _unknown()
    await api.checklist.refresh()
    return await _one(api, task_id)


async def _delete(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    if not await api.checklist.store.delete(_number(call.path["id"]), call.identity.username):
        raise _unknown()
    await api.checklist.refresh()
    return web.Response(status=204)


async def _tick(api: Api, call: Call[Nothing, TickBody]) -> TaskDetail:
    task_id = _number(call.path["id"])
    try:
        found = await api.checklist.store.tick(task_id, call.identity.username, call.body.note.strip())
    except NotManualError as error:
        raise ProblemError(
            409,
            "not-manual",
            "A job does this task, so it is done when the job reports.",
            "Run the job, or let an admin make the task a manual one.",
        ) from error
    if not found:
        raise _unknown()
    await api.checklist.refresh()
    return await _one(api, task_id)


async def _untick(api: Api, call: Call[Nothing, Nothing]) -> TaskDetail:
    task_id, tick_id = _number(call.path["id"]), _number(call.path["tick"], "tick")
    if not await api.checklist.store.untick(task_id, tick_id, call.identity.username):
        raise _unknown("tick")
    await api.checklist.refresh()
    return await _one(api, task_id)


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        name="listTasks",
        summary="The maintenance checklist and how each task stands",
        role="viewer",
        handler=_list,
        answer=Tasks,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="POST",
        path=_PATH,
        name="createTask",
        summary="Add a task, done by people or by the job of a check or of Celery's beat",
        role="admin",
        handler=_create,
        answer=TaskDetail,
        query=Nothing,
        body=TaskBody,
        status=201,
        problems=(409,),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/usual",
        name="addUsualTasks",
        summary="Add the usual tasks that are not there yet",
        role="admin",
        handler=_add_usual,
        answer=Tasks,
        query=Nothing,
        body=Nothing,
        problems=(409,),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{id}}",
        name="getTask",
        summary="One task with the times that it was done",
        role="viewer",
        handler=_detail,
        answer=TaskDetail,
        query=Nothing,
        body=Nothing,
        problems=(404,),
    ),
    Route(
        method="PUT",
        path=f"{_PATH}/{{id}}",
        name="changeTask",
        summary="Change a task; its history stays",
        role="admin",
        handler=_change,
        answer=TaskDetail,
        query=Nothing,
        body=TaskBody,
        problems=(404, 409),
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{id}}",
        name="deleteTask",
        summary="Remove a task with its history",
        role="admin",
        handler=_delete,
        answer=None,
        query=Nothing,
        body=Nothing,
        status=204,
        problems=(404,),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/{{id}}/ticks",
        name="tickTask",
        summary="Note that a manual task is done now",
        role="operator",
        handler=_tick,
        answer=TaskDetail,
        query=Nothing,
        body=TickBody,
        problems=(404, 409),
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{id}}/ticks/{{tick}}",
        name="untickTask",
        summary="Take back a note that was made by mistake",
        role="operator",
        handler=_untick,
        answer=TaskDetail,
        query=Nothing,
        body=Nothing,
        problems=(404,),
    ),
)
