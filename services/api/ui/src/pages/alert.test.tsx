import { waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";

import { navigate } from "../model/router";
import { close, openLive, type Page } from "../testing/page";
import { LOGIN, Reply, type Call } from "../testing/server";
import { FakeSocket } from "../testing/socket";
import { makeAlert, makeDetail, NOW } from "../testing/world";

afterEach(() => {
  close();
  vi.useRealTimers();
});

const DETAIL = "GET /api/admin/monitoring/alerts/a1";
const ACKNOWLEDGE = "POST /api/admin/monitoring/alerts/a1/acknowledge";
const posted = (page: Page): Call[] => page.calls.filter((call) => call.method === "POST");
const done = { by: "ana", at: NOW, comment: "Scaling up", until: null };
const nothing = { metrics: { at: 0, panels: [] } };

describe("acknowledging", () => {
  it("takes one press, and shows by whom", async () => {
    const page = await openLive("/", { alerts: [makeAlert()] }, { [ACKNOWLEDGE]: makeAlert({ acknowledged: done }) });
    page.getByRole("article", { name: "High Celery queue backlog" }).focus();
    await userEvent.keyboard("a");
    const note = await page.findByText(/Acknowledged by/);
    expect(note.textContent).toContain("ana");
    expect(note.textContent).toContain("Scaling up");
    expect(posted(page)).toMatchObject([{ body: {}, headers: { "X-CSRF-Token": "token-1" } }]);
    expect(page.queryByRole("button", { name: "Acknowledge" })).toBeNull();
    await userEvent.keyboard("a");
    expect(posted(page)).toHaveLength(1);
  });

  it("carries a comment", async () => {
    const page = await openLive("/", { alerts: [makeAlert()] }, { [ACKNOWLEDGE]: makeAlert({ acknowledged: done }) });
    await userEvent.click(page.getByRole("button", { name: "Add comment" }));
    const field = page.getByLabelText("Comment (optional)");
    await waitFor(() => expect(document.activeElement).toBe(field));
    await userEvent.type(field, " Scaling up {enter}");
    await page.findByText(/Acknowledged by/);
    expect(posted(page)).toMatchObject([{ body: { comment: "Scaling up" } }]);
  });

  it("is for a time, where one is chosen", async () => {
    const answer = makeAlert({ acknowledged: { ...done, until: NOW + 14400 } });
    const page = await openLive("/", { alerts: [makeAlert()] }, { [ACKNOWLEDGE]: answer });
    await userEvent.click(page.getByRole("button", { name: "Add comment" }));
    await userEvent.selectOptions(page.getByLabelText("Until"), "4 h from now");
    await userEvent.click(page.getByRole("button", { name: "Acknowledge" }));
    expect((await page.findByText(/Acknowledged by/)).textContent).toContain("until ");
    expect(posted(page)).toMatchObject([{ body: { expires_in: 14400 } }]);
  });

  it("says why it did not work, and lets one try again", async () => {
    const conflict = new Reply(409, { detail: "The alert has resolved.", mend: "Nothing is left to do." });
    const page = await openLive("/", { alerts: [makeAlert()] }, { [ACKNOWLEDGE]: conflict });
    await userEvent.click(page.getByRole("button", { name: "Acknowledge" }));
    expect((await page.findByRole("alert")).textContent).toBe("The alert has resolved. Nothing is left to do.");
    expect(page.getByRole("button", { name: "Acknowledge" }).getAttribute("aria-disabled")).toBe("false");
  });

  it("is not offered to a viewer", async () => {
    const me = { ...LOGIN, user: { username: "vic", role: "viewer" } };
    const page = await openLive("/", { alerts: [makeAlert()] }, { "GET /api/auth/me": me });
    page.getByText(/an operator can acknowledge/);
    expect(page.queryByRole("button", { name: "Acknowledge" })).toBeNull();
  });
});

describe("an alert in the list", () => {
  it("shows severity, category, marks and where to act, and never a link that runs code", async () => {
    const page = await openLive("/", {
      alerts: [
        makeAlert({ flapping: true, muted: "rate_cap", action_link: "https://runbooks.example/celery", action: "" }),
        makeAlert({ id: "a2", summary: "Bad link", action_link: "javascript:alert(1)" }),
        makeAlert({ id: "a3", summary: "Bare", action: "", action_link: "", description: "", severity: "page", category: "odd" }),
      ],
    });
    const card = within(page.getByRole("article", { name: "High Celery queue backlog" }));
    card.getByText("Warning");
    card.getByText("Celery · Performance");
    card.getByText("Flapping");
    card.getByText(/rate cap/);
    const link = card.getByRole("link", { name: /Open.*opens in a new tab/ });
    expect(link.getAttribute("rel")).toBe("noopener noreferrer");
    expect(within(page.getByRole("article", { name: "Bad link" })).queryByRole("link", { name: /Scale/ })).toBeNull();
    const bare = within(page.getByRole("article", { name: "Bare" }));
    bare.getByText("page");
    expect(bare.queryByText("What to do")).toBeNull();
  });
});

describe("the alert's page", () => {
  it("tells the story in order, with what failed", async () => {
    const page = await openLive("/alerts/a1", nothing, { [DETAIL]: makeDetail() });
    await page.findByRole("heading", { level: 1, name: "High Celery queue backlog" });
    const entries = page.getAllByRole("listitem").map((item) => item.querySelector("strong")?.textContent);
    expect(entries).toEqual(["Threshold crossed", "Alert fired", "Notification"]);
    const failed = page.getByText("temporary failure: connection refused").closest("li");
    expect(failed?.dataset["tone"]).toBe("critical");
    expect(failed?.textContent).toContain("by email to oncall@shop.example");
    page.getByText("tocsin:celery_queue_length > 20");
    page.getByText("queue=celery");
  });

  it("is read again when the live feed shows a change, and keeps what it has when that fails", async () => {
    const answers: Record<string, unknown> = { [DETAIL]: makeDetail() };
    const page = await openLive("/alerts/a1", { ...nothing, alerts: [makeAlert()] }, answers);
    await page.findByRole("button", { name: "Acknowledge" });
    const before = page.calls.filter((call) => call.path.endsWith("/a1")).length;
    FakeSocket.last.say({
      seq: 2,
      type: "changes",
      at: NOW,
      alerts: { upsert: [makeAlert({ acknowledged: done })], remove: [] },
    });
    await waitFor(() => expect(page.calls.filter((call) => call.path.endsWith("/a1")).length).toBe(before + 1));
  });

  it("refreshes the story of what fires, and stops when it resolved", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const page = await openLive("/alerts/a1", nothing, { [DETAIL]: makeDetail() });
    await page.findByText("Alert fired");
    const before = page.calls.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(page.calls.length).toBe(before + 1);
    close();
    const ended = makeDetail({ status: "resolved", ends_at: NOW, acknowledged: done, complete: false });
    const later = await openLive("/alerts/a1", nothing, { [DETAIL]: ended });
    await later.findByText(/Postgres is away/);
    later.getByText(/Acknowledged by/);
    const calls = later.calls.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(later.calls).toHaveLength(calls);
  });

  it("says so when there is none, when it can't be read, and when nothing was recorded", async () => {
    const page = await openLive("/alerts/a1", nothing, { [DETAIL]: makeDetail({ timeline: [], summary: "" }) });
    await page.findByRole("heading", { level: 1, name: "CeleryQueueBacklog" });
    page.getByText(/Nothing has been recorded/);
    close();
    const away = new Reply(503, { detail: "Postgres can't be reached.", mend: "" });
    const broken = await openLive("/trends", nothing, { [DETAIL]: away });
    navigate("/alerts/a1");
    await broken.findByText("Postgres can't be reached.");
  });
});
