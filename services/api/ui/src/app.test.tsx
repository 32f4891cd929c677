import { fireEvent, waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it } from "vitest";

import { close, open, openLive } from "./testing/page";
import { LOGIN, PROBLEM_401, Reply } from "./testing/server";
import { FakeSocket } from "./testing/socket";
import { makeAlert, makeComponent, makeHealth, makePanel, makeSnapshot } from "./testing/world";

afterEach(close);

const type = async (field: HTMLElement, text: string): Promise<void> => userEvent.type(field, text);

describe("signing in", () => {
  it("asks for a login, says what is wrong, and lets in", async () => {
    const answers: Record<string, unknown> = {
      "GET /api/auth/me": PROBLEM_401,
      "POST /api/auth/login": new Reply(401, { detail: "User name or password is wrong.", mend: "Check both." }),
    };
    const page = await open("/", answers);
    const name = page.getByLabelText("User name");
    await waitFor(() => expect(document.activeElement).toBe(name));
    await userEvent.click(page.getByRole("button", { name: "Sign in" }));
    expect(page.getByRole("alert").textContent).toContain("both");
    expect(page.calls.map((call) => call.path)).toEqual(["/api/auth/me", "/api/auth/methods"]);

    await type(name, " ana ");
    await type(page.getByLabelText("Password"), "nope{enter}");
    await waitFor(() => expect(page.getByRole("alert").textContent).toBe("User name or password is wrong. Check both."));

    close();
    const again = await open("/", { ...answers, "POST /api/auth/login": LOGIN });
    await type(again.getByLabelText("User name"), "ana");
    await type(again.getByLabelText("Password"), "right{enter}");
    await again.findByText("ana, operator");
    expect(again.calls.at(-1)?.body).toEqual({ username: "ana", password: "right" });
    expect(FakeSocket.last.url).toMatch(/^ws:.*\/api\/admin\/monitoring\/live$/);
  });

  it("offers the provider, and says once why it did not lead in", async () => {
    const page = await open("/alerts?severity=critical&login=no_role", {
      "GET /api/auth/me": PROBLEM_401,
      "GET /api/auth/methods": { password: false, provider: "Shop login" },
    });
    const link = await page.findByRole("link", { name: "Sign in with Shop login" });
    expect(link.getAttribute("href")).toBe("/api/auth/oidc/login?next=%2Falerts%3Fseverity%3Dcritical");
    expect(page.getByRole("alert").textContent).toContain("You have no role");
    expect(page.getByText(/kept for emergencies/)).toBeTruthy();
    expect(location.search).toBe("?severity=critical");
  });

  it("lists unusual values with how far and since when, and nothing where there are none", async () => {
    const unusual = makeAlert({ id: "u1", value: -5.25, severity: "info", labels: { anomaly: "true", what: "Payments" } });
    const page = await openLive("/", { alerts: [makeAlert(), unusual] });
    const section = within(page.getByRole("region", { name: /Unusual values/ }));
    expect(section.getByRole("link", { name: "Payments" }).getAttribute("href")).toBe("/alerts/u1");
    section.getByText("5.3 times the usual spread below the mean");
    close();
    const calm = await openLive("/", { alerts: [makeAlert()] });
    expect(calm.queryByRole("region", { name: /Unusual values/ })).toBeNull();
  });

  it("says that the session ended, and goes back to the login", async () => {
    const page = await openLive("/");
    FakeSocket.last.hangUp(4401);
    await page.findByText(/session has ended/);
    expect(page.store.state.value).toBeNull();
  });

  it("signs out without calling it an ended session", async () => {
    const page = await openLive("/", {}, { "POST /api/auth/logout": { logged_out: true } });
    await userEvent.click(page.getByRole("button", { name: "Sign out" }));
    await page.findByLabelText("Password");
    expect(page.queryByText(/session has ended/)).toBeNull();
    expect(FakeSocket.last.closed).toBe(true);
  });

  it("stays signed in and says why when signing out does not reach the API", async () => {
    const page = await openLive("/");
    await userEvent.click(page.getByRole("button", { name: "Sign out" }));
    expect((await page.findByRole("alert")).textContent).toContain("can't be reached");
    expect(page.store.session.value.phase).toBe("in");
  });

  it("offers another try when the API is away at the start", async () => {
    const answers: Record<string, unknown> = { "GET /api/auth/me": undefined };
    const page = await open("/", answers);
    await page.findByText("Tocsin's API can't be reached");
    close();
    const failing = await open("/", { "GET /api/auth/me": new Reply(503, { detail: "Postgres is away.", mend: "Wait." }) });
    await userEvent.click(await failing.findByRole("button", { name: "Try again" }));
    expect(failing.calls.filter((call) => call.path === "/api/auth/me")).toHaveLength(2);
  });
});

describe("the overview", () => {
  it("names what is wrong, in the banner, the tab and the cards", async () => {
    const panel = makePanel({ thresholds: [
      { severity: "critical", op: ">", value: 100, rule: "Worse" },
      { severity: "warning", op: ">", value: 20, rule: "CeleryQueueBacklog" },
    ] });
    const page = await openLive("/", {
      health: makeHealth({
        overall: "degraded",
        components: [makeComponent({ metrics: [panel] }), makeComponent({ key: "redis", title: "Redis", status: "healthy" })],
      }),
      metrics: { at: 0, panels: [panel, makePanel({ key: "x", title: "Off the grid", grid: false })] },
      alerts: [makeAlert()],
    });
    expect(page.getByRole("heading", { level: 1 }).textContent).toBe("Degraded: Celery");
    expect(page.getByRole("region", { name: "Overall status" }).textContent).toContain("1 of 2 components healthy · 1 active alert");
    await waitFor(() => expect(document.title).toBe("Degraded · 1 alert · Tocsin"));

    const card = within(page.getByRole("article", { name: "Celery" }));
    card.getByText("Degraded");
    expect(card.getByRole("img", { name: "Warning" })).toBeTruthy();
    expect(card.getByText(/warning/).closest(".limits")?.textContent?.replaceAll("\u00a0", " ")).toBe("warning > 20 · critical > 100");
    card.getByRole("img", { name: "Last 15 minutes: lowest 6, highest 47, now 47" });

    const tile = within(page.getByRole("article", { name: "Celery queue" }));
    expect(tile.getByTitle("against 5 min ago").textContent).toContain("+150%");
    expect(page.queryByText("Off the grid")).toBeNull();
  });

  it("shows what is not known as such", async () => {
    const nothing = makePanel({ value: null, change: null, trend: "none", status: "unknown", spark: [], thresholds: [] });
    const page = await openLive("/", {
      health: makeHealth({
        overall: "unknown",
        components: [makeComponent({ status: "unknown", last_check: null, metrics: [nothing] }), makeComponent({ key: "b", title: "B", metrics: [] })],
        services: [],
        missing_services: ["evaluator", "notifier"],
      }),
      metrics: { at: 0, panels: [nothing] },
    });
    expect(page.getByRole("heading", { level: 1 }).textContent).toContain("State unknown");
    page.getByText("Not checked yet");
    page.getByText("No metrics are recorded for this component.");
    expect(page.getAllByText("no value")).toHaveLength(2);
    expect(page.getAllByText("no threshold")).toHaveLength(2);
    page.getByText(/No sign of life from: evaluator, notifier/);
    page.getByText("No active alerts");
  });

  it("tells what to do where there is nothing yet", async () => {
    const health = makeHealth({ components: [], services: [] });
    const page = await openLive("/", { health, metrics: { at: 0, panels: [] } });
    page.getByText(/Add targets to the collector/);
    page.getByText(/No metrics yet/);
    page.getByText("No service has reported yet.");
    await page.findByText("No alerts have fired yet.");
  });

  it("shows a service that is not ready, and why", async () => {
    const services = [{ service: "evaluator", instance: "e", ready: false, detail: "no rules loaded", at: 0, version: "1" }];
    const page = await openLive("/", { health: makeHealth({ services }) });
    page.getByText("Not ready");
    page.getByText("no rules loaded");
  });

  it("follows the live feed and says changes aloud", async () => {
    const page = await openLive("/");
    FakeSocket.last.say({
      seq: 2, type: "changes", at: Date.now() / 1000,
      health: makeHealth({ overall: "down", components: [makeComponent({ status: "down" })] }),
      alerts: { upsert: [makeAlert({ severity: "critical", summary: "It broke" })], remove: [] },
    });
    await page.findByRole("article", { name: "It broke" });
    expect(page.getByRole("heading", { level: 1 }).textContent).toBe("Outage: Celery");
    page.getByText("Overall status: Outage. New critical alert: It broke");
    FakeSocket.last.say({ seq: 3, type: "changes", at: Date.now() / 1000, alerts: { upsert: [], remove: ["a1"] } });
    await page.findByText("No active alerts");
  });

  it("marks everything as out of date while disconnected, and recovers", async () => {
    const page = await openLive("/", { alerts: [makeAlert()] });
    FakeSocket.last.hangUp();
    await page.findByText(/Disconnected from Tocsin since/);
    expect(page.getAllByText("Out of date").length).toBeGreaterThanOrEqual(4);
    await waitFor(() => expect(document.title).toBe("Disconnected · 1 alert · Tocsin"));
    await userEvent.click(page.getByRole("button", { name: "Reconnect now" }));
    FakeSocket.last.accept(makeSnapshot());
    await page.findByText("Live");
    expect(page.queryByText("Out of date")).toBeNull();
    page.getByText(/Connected again/);
  });

  it("reconnects when the person comes back to the tab", async () => {
    await openLive("/");
    FakeSocket.last.hangUp();
    expect(FakeSocket.all).toHaveLength(1);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(FakeSocket.all).toHaveLength(2);
  });
});

describe("recent alerts", () => {
  const past = (id: string) => makeAlert({ id, summary: `Past ${id}`, status: "resolved", ends_at: makeAlert().starts_at + 252 });

  it("lists them, and older ones when asked", async () => {
    const page = await openLive("/", {}, {
      "GET /api/admin/monitoring/alerts/history?limit=8": { alerts: [past("1"), makeAlert({ id: "2", summary: "" })], next_cursor: "n" },
      "GET /api/admin/monitoring/alerts/history?limit=8&cursor=n": { alerts: [past("3")], next_cursor: null },
    });
    const link = await page.findByRole("link", { name: "Past 1" });
    expect(link.closest("li")?.textContent?.replaceAll("\u00a0", " ")).toContain("lasted 4 min 12 s");
    expect(page.getByRole("link", { name: "CeleryQueueBacklog" }).closest("li")?.textContent).toContain("still firing");
    await userEvent.click(page.getByRole("button", { name: "Show older" }));
    await page.findByRole("link", { name: "Past 3" });
    page.getByRole("link", { name: "Past 1" });
    expect(page.queryByRole("button", { name: "Show older" })).toBeNull();
  });

  it("says what went wrong and tries again", async () => {
    const answers: Record<string, unknown> = {
      "GET /api/admin/monitoring/alerts/history": new Reply(503, { detail: "Postgres can't be reached.", mend: "Try again later." }),
    };
    const page = await openLive("/", {}, answers);
    await page.findByText("Postgres can't be reached.");
    const before = page.calls.length;
    await userEvent.click(page.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(page.calls.length).toBe(before + 1));
  });
});

describe("keys and pages", () => {
  it("moves between alerts, opens one, shows help, and stays out of text fields", async () => {
    const page = await openLive("/", { alerts: [makeAlert(), makeAlert({ id: "a2", summary: "Second", starts_at: 1 })] }, {
      "GET /api/admin/monitoring/alerts/a1": new Reply(404, { detail: "gone" }),
    });
    await userEvent.keyboard("j");
    expect(document.activeElement).toBe(page.getByRole("article", { name: "Second" }));
    await userEvent.keyboard("jj");
    expect(document.activeElement).toBe(page.getByRole("article", { name: "High Celery queue backlog" }));
    await userEvent.keyboard("k");
    expect(document.activeElement).toBe(page.getByRole("article", { name: "Second" }));
    await userEvent.keyboard("c");
    const field = page.getByLabelText("Comment (optional)");
    await userEvent.type(field, "jkag?");
    expect((field as HTMLInputElement).value).toBe("jkag?");
    await userEvent.keyboard("{Escape}");
    expect(page.queryByLabelText("Comment (optional)")).toBeNull();

    page.getByRole("article", { name: "High Celery queue backlog" }).focus();
    fireEvent.keyDown(document.activeElement as Element, { key: "Enter" });
    await page.findByText("There is no alert at this address");
    await userEvent.keyboard("g");
    await page.findByRole("article", { name: "Second" });
    await userEvent.keyboard("?");
    const dialog = await page.findByRole("dialog", { name: "Keyboard shortcuts" });
    expect(dialog.hasAttribute("open")).toBe(true);
    await userEvent.click(within(dialog).getByRole("button", { name: "Close" }));
    await waitFor(() => expect(dialog.hasAttribute("open")).toBe(false));
  });

  it("says so when there is no such page", async () => {
    const page = await open("/nowhere");
    await page.findByText("There is no page at this address");
  });
});
