import { describe, expect, it } from "vitest";

import { makeAlert, NOW } from "../testing/world";
import { filtersOf, historyQuery, pick, searchOf } from "./filters";

const ALL = filtersOf("");

describe("the address", () => {
  it.each(["", "tab=history&severity=critical&text=a+b", "tab=silenced&since=3600", "category=system&component=celery"])(
    "%s is read and written the same",
    (search) => expect(searchOf(filtersOf(search))).toBe(search),
  );

  it("drops what it does not know", () => {
    expect(filtersOf("?tab=else&since=ever&x=1")).toEqual(ALL);
  });
});

describe("pick", () => {
  const done = { by: "ana", at: NOW, comment: "", until: null };
  const alerts = [
    makeAlert({ id: "a", severity: "critical", component: "postgres", labels: { instance: "DB-1" } }),
    makeAlert({ id: "b", acknowledged: done }),
    makeAlert({ id: "c", acknowledged: done }),
    makeAlert({ id: "d", starts_at: NOW - 5000, category: "system" }),
  ];
  const ids = (search: string): string =>
    pick(alerts, filtersOf(search), new Set(["c"]), NOW)
      .map((alert) => alert.id)
      .join("");

  it.each([
    ["", "ad"],
    ["tab=acknowledged", "b"],
    ["tab=silenced", "c"],
    ["severity=critical", "a"],
    ["category=system", "d"],
    ["component=postgres", "a"],
    ["since=3600", "a"],
    ["text=db-1", "a"],
    ["text=BACKLOG", "ad"],
    ["text=nowhere", ""],
  ])("%s", (search, expected) => expect(ids(search)).toBe(expected));
});

it("asks the history for the same", () => {
  const filters = filtersOf("tab=history&severity=info&text=+x+&since=60");
  expect(historyQuery(filters, 1000.7)).toEqual({ severity: "info", text: "x", since: "940" });
  expect(historyQuery(ALL, 1000)).toEqual({});
});
