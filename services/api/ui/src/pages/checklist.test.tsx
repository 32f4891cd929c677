import { waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it } from "vitest";

import { LOGIN, Reply, type Answers } from "../testing/server";
import { close, openLive, type Page } from "../testing/page";
import type { Check, Task } from "../types";

const PATH = "/api/admin/monitoring";
const TASKS = `${PATH}/maintenance/tasks`;
const ADMIN = { ...LOGIN, user: { username: "ada", role: "admin" } };
const VIEWER = { ...LOGIN, user: { username: "vic", role: "viewer" } };
const TASK: Task = {
  id: 3, name: "Restore test", description: "Elsewhere", cadence: "weekly", schedule: null, timezone: "UTC", grace_seconds: 90_000,
  source: "manual", check_id: null, check_name: null, beat_task: null, state: "overdue", reason: "", opens_at: 500, due_at: 1000,
  last_done_at: 400, last_done_by: "ben", last_note: "all came back", created_by: "ada", created_at: 1,
};
const CHECK: Check = {
  id: 7, name: "backup", description: "", period_seconds: 3600, schedule: null, timezone: "UTC", grace_seconds: 60, state: "new",
  reason: "", due_at: null, late_seconds: 0, last_ping_at: null, last_success_at: null, running_since: null, last_seconds: null,
  created_by: "ana", created_at: 1,
};

function openTasks(tasks: Task[], more: Answers = {}): Promise<Page> {
  return openLive("/maintenance", {}, {
    [`GET ${PATH}/checks`]: { checks: [] },
    [`GET ${PATH}/errors`]: { at: 1, configured: false, errors: [], total: 0, services: [], missing: [] },
    [`GET ${TASKS}`]: { tasks, usual: ["Review of access", "Restore test"] },
    ...more,
  });
}

afterEach(close);

it("shows what is most urgent first, and who did it last", async () => {
  const done: Task = { ...TASK, id: 4, name: "Review", state: "waiting", last_note: "" };
  const lost: Task = { ...TASK, id: 5, name: "Backup", state: "unknown", source: "check", reason: "check_gone", last_done_by: "" };
  const page = await openTasks([done, lost, TASK]);
  const names = (await page.findAllByRole("article")).map((card) => card.getAttribute("aria-label"));
  expect(names).toEqual(["Restore test", "Backup", "Review"]);
  within(page.getByRole("article", { name: "Restore test" })).getByText("all came back");
  within(page.getByRole("article", { name: "Backup" })).getByText(/Its check was deleted/);
  within(page.getByRole("article", { name: "Review" })).getByText(/by ben/);
});

it("ticks with a note, and takes back", async () => {
  const ticks = [{ id: 11, at: 400, by: "ben", note: "x" }, { id: 12, at: 300, by: "", note: "" }];
  const page = await openTasks([TASK], {
    [`POST ${TASKS}/3/ticks`]: { ...TASK, ticks },
    [`GET ${TASKS}/3`]: { ...TASK, ticks },
    [`DELETE ${TASKS}/3/ticks/11`]: new Reply(404, { detail: "There is no such tick.", mend: "Look." }),
  });
  const card = within(await page.findByRole("article", { name: "Restore test" }));
  await userEvent.type(card.getByLabelText("Note on Restore test"), " 41 tables ");
  await userEvent.click(card.getByRole("button", { name: "Done" }));
  await waitFor(() => expect(page.calls.find((call) => call.method === "POST")?.body).toEqual({ note: "41 tables" }));
  await waitFor(() => expect(page.calls.filter((call) => call.path === TASKS).length).toBe(2));
  await userEvent.click(card.getByText("History"));
  await card.findByText(/by its job/);
  await userEvent.click(card.getByRole("button", { name: /Take back/ }));
  await card.findByText("There is no such tick. Look.");
});

it("lets operators tick, and viewers look only", async () => {
  const page = await openTasks([TASK], { "GET /api/auth/me": VIEWER });
  await page.findByRole("article", { name: "Restore test" });
  expect(page.queryByRole("button", { name: /Done|Edit|Delete|New task/ })).toBeNull();
});

it("offers the usual tasks to an admin", async () => {
  const page = await openTasks([], { "GET /api/auth/me": ADMIN, [`POST ${TASKS}/usual`]: { tasks: [TASK], usual: [] } });
  await page.findByText("Usual tasks: Review of access, Restore test.");
  await userEvent.click(page.getByRole("button", { name: "Add the 2 usual tasks" }));
  await waitFor(() => expect(page.calls.filter((call) => call.path === TASKS).length).toBe(2));
});

it("lets an admin make, change and delete tasks", async () => {
  const page = await openTasks([TASK], {
    "GET /api/auth/me": ADMIN,
    [`GET ${PATH}/checks`]: { checks: [CHECK] },
    [`POST ${TASKS}`]: new Reply(409, { detail: "Another task is named so.", mend: "Take another name." }),
    [`PUT ${TASKS}/3`]: TASK,
    [`DELETE ${TASKS}/3`]: new Reply(204, null),
  });
  await userEvent.click(await page.findByRole("button", { name: "New task" }));
  let form = within(page.getByRole("form", { name: "New task" }));
  await userEvent.type(form.getByLabelText("Task"), "Backup");
  await userEvent.selectOptions(form.getByLabelText("Done by"), "check");
  await userEvent.selectOptions(form.getByLabelText("How often"), "cron");
  await userEvent.click(form.getByRole("button", { name: "Save" }));
  await form.findByText("Another task is named so. Take another name.");
  expect(page.calls.find((call) => call.method === "POST")?.body).toMatchObject({
    name: "Backup", cadence: "cron", schedule: "0 9 * * 2", check_id: 7, beat_task: null, grace_seconds: 86_400,
  });
  await userEvent.click(form.getByRole("button", { name: "Cancel" }));
  await userEvent.click(within(page.getByRole("article", { name: "Restore test" })).getByRole("button", { name: "Edit" }));
  form = within(page.getByRole("form", { name: "Edit Restore test" }));
  await userEvent.selectOptions(form.getByLabelText("Done by"), "beat");
  await userEvent.type(form.getByLabelText("Name in the beat schedule"), "nightly");
  await userEvent.click(form.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(page.queryByRole("form", { name: "Edit Restore test" })).toBeNull());
  expect(page.calls.find((call) => call.method === "PUT")?.body).toMatchObject({
    cadence: "weekly", schedule: null, grace_seconds: 90_000, check_id: null, beat_task: "nightly",
  });
  const card = within(page.getByRole("article", { name: "Restore test" }));
  await userEvent.click(card.getByRole("button", { name: "Delete" }));
  expect(page.calls.some((call) => call.method === "DELETE")).toBe(false);
  await userEvent.click(card.getByRole("button", { name: "Delete for good" }));
  await waitFor(() => expect(page.calls.some((call) => call.method === "DELETE")).toBe(true));
});
