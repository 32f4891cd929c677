import { waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it } from "vitest";

import { LOGIN, Reply } from "../testing/server";
import { close, openLive } from "../testing/page";
import type { Check, LogErrors } from "../types";

const PATH = "/api/admin/monitoring";
const CHECK: Check = {
  id: 7, name: "backup", description: "Of the shop", period_seconds: 7200, schedule: null, timezone: "UTC", grace_seconds: 90,
  state: "down", reason: "missed", due_at: 1000, late_seconds: 5, last_ping_at: 900, last_success_at: 900, running_since: null,
  last_seconds: 3, created_by: "ana", created_at: 1,
};
const ERRORS: LogErrors = { at: 1, configured: true, errors: [], total: 0, services: [], missing: [] };
const answers = (checks: Check[] = [CHECK], errors: LogErrors = ERRORS): Record<string, unknown> => ({
  [`GET ${PATH}/checks`]: { checks },
  [`GET ${PATH}/maintenance/tasks`]: { tasks: [], usual: [] },
  [`GET ${PATH}/errors`]: errors,
});

afterEach(close);

it("says why a job is down, and shows its reports when asked", async () => {
  const page = await openLive("/maintenance", {}, {
    ...answers(),
    [`GET ${PATH}/checks/7`]: { ...CHECK, pings: [{ at: 900, kind: "fail", seconds: 2, log: "disk full" }] },
  });
  const card = within(await page.findByRole("article", { name: "backup" }));
  card.getByText("Down");
  card.getByText("No success came in time.");
  expect(page.calls.some((call) => call.path === `${PATH}/checks/7`)).toBe(false);
  await userEvent.click(card.getByText("Last reports"));
  await card.findByText("disk full");
  card.getByText("Failure");
});

it("keeps a period and a grace time that are not in its lists", async () => {
  const page = await openLive("/maintenance", {}, { ...answers(), [`PUT ${PATH}/checks/7`]: { ...CHECK, pings: [] } });
  await userEvent.click(await page.findByRole("button", { name: "Edit" }));
  await userEvent.click(page.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(page.queryByRole("form")).toBeNull());
  expect(page.calls.find((call) => call.method === "PUT")?.body).toEqual({
    name: "backup", description: "Of the shop", period_seconds: 7200, schedule: null, timezone: "UTC", grace_seconds: 90,
  });
});

it("shows a new address once, and what the API refuses", async () => {
  const page = await openLive("/maintenance", {}, {
    ...answers(),
    [`POST ${PATH}/checks/7/key`]: { ...CHECK, ping_url: "http://t/ping/K" },
    [`DELETE ${PATH}/checks/7`]: new Reply(404, { detail: "There is no such check.", mend: "See the list." }),
  });
  await userEvent.click(await page.findByRole("button", { name: "New address" }));
  await page.findByText(/curl .*http:\/\/t\/ping\/K/);
  await userEvent.click(page.getByRole("button", { name: "Delete" }));
  expect(page.calls.some((call) => call.method === "DELETE")).toBe(false);
  await userEvent.click(page.getByRole("button", { name: "Delete for good" }));
  await page.findByText("There is no such check. See the list.");
});

it("lets viewers look only, and tells which logs gave no answer", async () => {
  const viewer = { ...LOGIN, user: { username: "vic", role: "viewer" } };
  const page = await openLive("/maintenance", {}, {
    ...answers([CHECK], { ...ERRORS, missing: ["shop-log"] }), "GET /api/auth/me": viewer,
  });
  await page.findByRole("article", { name: "backup" });
  await page.findByText(/No answer from: shop-log/);
  expect(page.queryByRole("button", { name: /New check|Edit|Delete|New address/ })).toBeNull();
});

it("says so when the collector is away and tries again when asked", async () => {
  const given = { ...answers(), [`GET ${PATH}/errors`]: new Reply(503, { detail: "The collector gives no errors.", mend: "Look." }) };
  const page = await openLive("/maintenance", {}, given);
  await page.findByText("The collector gives no errors.");
  await userEvent.click(page.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(page.calls.filter((call) => call.path.startsWith(`${PATH}/errors`)).length).toBeGreaterThan(1));
});
