import { describe, expect, it } from "vitest";

import { makeAlert, makeHealth, makeSnapshot, NOW } from "../testing/world";
import type { LiveMessage } from "../types";
import { announcements } from "./announce";
import { GapError, mergeAlerts, reduce } from "./reduce";
import { tabOf } from "./tab";

const critical = makeAlert({ id: "c", severity: "critical", summary: "Down" });
const old = makeAlert({ id: "o", starts_at: NOW - 900 });
const recent = makeAlert({ id: "r", starts_at: NOW - 10 });

describe("reduce", () => {
  it("takes a snapshot whole, the worst and oldest alert first", () => {
    const state = reduce(null, makeSnapshot({ alerts: [recent, old, critical] }));
    expect(state?.alerts.map((alert) => alert.id)).toEqual(["c", "o", "r"]);
  });

  it("changes what a message names and keeps the rest", () => {
    const before = reduce(null, makeSnapshot({ alerts: [old] }));
    const health = makeHealth({ overall: "down" });
    const after = reduce(before, {
      seq: 2,
      type: "changes",
      at: NOW + 1,
      health,
      alerts: { upsert: [critical], remove: ["o"] },
    });
    expect(after?.health.overall).toBe("down");
    expect(after?.metrics).toBe(before?.metrics);
    expect(after?.alerts).toEqual([critical]);
    expect(reduce(after, { seq: 3, type: "changes", at: NOW + 2 })?.alerts).toBe(after?.alerts);
  });

  it("goes on with what was missed, in one message", () => {
    const before = reduce(null, makeSnapshot({ alerts: [old] }));
    const after = reduce(before, { seq: 40, since: 1, type: "changes", at: NOW, alerts: { upsert: [critical], remove: [] } });
    expect(after).toMatchObject({ seq: 40, epoch: "e1", alerts: [critical, old] });
    expect(reduce(after, { seq: 40, since: 40, type: "changes", at: NOW + 1 })?.alerts).toBe(after?.alerts);
  });

  it.each<[string, LiveMessage]>([
    ["a lost message", { seq: 3, type: "changes", at: NOW }],
    ["a repeated message", { seq: 1, type: "changes", at: NOW }],
    ["what was missed by somebody else", { seq: 9, since: 5, type: "changes", at: NOW }],
  ])("asks for a fresh start after %s", (_name, message) => {
    expect(() => reduce(reduce(null, makeSnapshot()), message)).toThrow(GapError);
  });

  it("asks for a fresh start when changes come before a snapshot", () => {
    expect(() => reduce(null, { seq: 1, type: "changes", at: NOW })).toThrow(GapError);
  });

  it("keeps its state at a ping", () => {
    const state = reduce(null, makeSnapshot());
    expect(reduce(state, { type: "ping" })).toBe(state);
  });

  it("replaces an alert and drops one that resolved", () => {
    const changed = { ...old, notifications: 5 };
    expect(mergeAlerts([old, recent], [changed, { ...recent, status: "resolved" }], [])).toEqual([changed]);
  });
});

describe("announcements", () => {
  const state = (alerts = [old], overall: "operational" | "down" = "operational") =>
    reduce(null, makeSnapshot({ alerts, health: makeHealth({ overall }) }));

  it("says nothing at the start and when nothing changed", () => {
    expect(announcements(null, state())).toEqual([]);
    expect(announcements(state(), state())).toEqual([]);
  });

  it("names what fired, resolved, was acknowledged, and the new state", () => {
    const taken = { ...old, acknowledged: { by: "ben", at: NOW, comment: "", until: null } };
    expect(announcements(state([old, recent]), state([critical, taken], "down"))).toEqual([
      "Overall status: Outage",
      "New critical alert: Down",
      "Resolved: High Celery queue backlog",
      "ben acknowledged: High Celery queue backlog",
    ]);
  });

  it("counts instead of reading out a storm", () => {
    const storm = Array.from({ length: 40 }, (_, index) => makeAlert({ id: `s${index}` }));
    expect(announcements(state([]), state(storm))).toEqual(["40 new alerts"]);
    expect(announcements(state(storm), state([]))).toEqual(["40 alerts resolved"]);
  });
});

describe("the tab", () => {
  it("shows the worst state, and that it is not known while disconnected", () => {
    const state = reduce(null, makeSnapshot({ alerts: [old, critical], health: makeHealth({ overall: "down" }) }));
    expect(tabOf(null, false)).toEqual({ title: "Tocsin", icon: "/icons/unknown.svg" });
    expect(tabOf(state, false)).toEqual({ title: "Down · 2 alerts · Tocsin", icon: "/icons/down.svg" });
    expect(tabOf(state, true)).toEqual({ title: "Disconnected · 2 alerts · Tocsin", icon: "/icons/unknown.svg" });
  });
});
