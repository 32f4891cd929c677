import { within } from "@testing-library/preact";
import { afterEach, expect, it } from "vitest";

import { close, openLive } from "../testing/page";
import { Reply } from "../testing/server";
import type { Status } from "../types";

const PATH = "GET /api/admin/monitoring/status";
const GONE = "The evaluator's /metrics can't be reached (ClientConnectorError).";
/** Everything away: what a page must bear. */
const NOTHING: Status = {
  at: 1_700_000_000,
  services: { missing: GONE, services: [], missing_services: [], configs: [], away: [], troubles: [] },
  streams: { missing: "Redis can't be reached.", streams: [], dead: [] },
  scrapes: { missing: GONE, up: 0, down: 0, unknown: 0, spread: null, failing: [], slowest: [], left_out: 0 },
  rules: { missing: GONE, rules: 0, groups: 0, spread: null, wait: null, missed: 0, failing: [], slowest: [] },
  delivery: { missing: "Postgres can't be reached.", channels: [] },
  queue: { missing: "", outbox: 0, oldest_seconds: 0, records_queued: 0, records_dropped: 0, held: 0 },
  postgres: { missing: "Postgres can't be reached.", bytes: 0, version: "", tables: [] },
  redis: { missing: "Redis can't be reached.", bytes: 0, max_bytes: 0, peak_bytes: 0, keys: 0, version: "" },
  history: { missing: "", queued: 0, backlog_bytes: 0, dropped: 0, head_series: 0, head_bytes: 0 },
};

afterEach(close);

it("says in each part why it has nothing", async () => {
  const page = await openLive("/status", {}, { [PATH]: NOTHING });
  await page.findByRole("region", { name: "Services" });
  const part = (name: string) => within(page.getByRole("region", { name }));
  part("Services").getByText(GONE);
  part("Streams").getByText("Redis can't be reached.");
  part("Storage").getByText("Postgres can't be reached. Redis can't be reached.");
  expect(part("Storage").getAllByText("Unknown")).toHaveLength(2);
  expect(page.container.querySelectorAll("[data-wrong]")).toHaveLength(0);
});

it("shows a quiet day without alarm", async () => {
  const rest = { streams: { ...NOTHING.streams, missing: "" }, delivery: { missing: "", channels: [] } };
  const stream = { name: "tocsin:alerts", entries: 3, newest: null, groups: [{ name: "history", lag: 0, pending: 0, consumers: 1 }] };
  const page = await openLive("/status", {}, { [PATH]: { ...NOTHING, ...rest, streams: { missing: "", streams: [stream], dead: [] } } });
  await page.findByText("No message was sent in the last 24 hours.");
  const row = within(page.getByRole("group", { name: "Streams" })).getByRole("row", { name: /tocsin:alerts/ });
  expect(row.textContent).toBe("tocsin:alertshistory003–");
});

it("says what is wrong when there is no answer, and asks again", async () => {
  const page = await openLive("/status", {}, { [PATH]: new Reply(503, { detail: "Postgres is away.", mend: "Wait." }) });
  await page.findByText("Postgres is away.");
  page.getByRole("button", { name: "Try again" });
});
