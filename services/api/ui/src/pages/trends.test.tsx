import { fireEvent, waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { close, openLive, type Page } from "../testing/page";
import { Reply } from "../testing/server";
import { ALERT_MARKER, DEPLOYMENT_MARKER, makeMetric, makeRecorded, makeTrends } from "../testing/trends";
import { NOW } from "../testing/world";

interface Drawn {
  options: {
    series: unknown[];
    bands: unknown[];
    axes: { values: (plot: unknown, ticks: number[]) => string[] }[];
    hooks: Record<"draw" | "setSelect" | "setCursor", ((plot: unknown) => void)[]>;
  };
  data: unknown[][];
  gone: boolean;
}

const drawn: Drawn[] = [];

// happy-dom has no canvas; what Chromium draws is looked at in tests/browser.
vi.mock("uplot", () => ({
  default: class {
    private readonly own: Drawn;
    constructor(options: Drawn["options"], data: unknown[][]) {
      this.own = { options, data, gone: false };
      drawn.push(this.own);
    }
    setSize(): void {}
    destroy(): void {
      this.own.gone = true;
    }
  },
}));

const NAMES = "GET /api/admin/monitoring/metrics/names";
const TRENDS = "GET /api/admin/monitoring/performance/trends";
const RECORDED = [
  makeRecorded(),
  makeRecorded({ key: "memory", metric: "tocsin:redis_memory_ratio", title: "Memory", unit: "ratio", component: "redis" }),
  makeRecorded({ key: "tocsin:own", metric: "tocsin:own", title: "own", component: "" }),
];

beforeEach(() => {
  drawn.length = 0;
  vi.stubGlobal("matchMedia", () => ({ addEventListener: () => undefined, removeEventListener: () => undefined }));
  vi.stubGlobal("ResizeObserver", class {
    observe(): void {}
    disconnect(): void {}
  });
});
afterEach(close);

const asked = (page: Page): string[] =>
  page.calls.map((call) => call.path).filter((path) => path.includes("performance/trends"));
const lastAsked = (page: Page): string => decodeURIComponent(asked(page).at(-1)?.split("?")[1] ?? "");

async function openTrends(search: string, trends: unknown = makeTrends()): Promise<Page> {
  const page = await openLive(`/trends${search}`, {}, { [NAMES]: { metrics: RECORDED }, [TRENDS]: trends });
  await waitFor(() => expect(asked(page).length).toBeGreaterThan(0));
  return page;
}

it("shows the first panel of the last day, with its figures", async () => {
  const page = await openTrends("");
  expect(lastAsked(page)).toBe("metrics=celery_queue&period=24h");
  const row = await page.findByRole("row", { name: /^Celery queue/ });
  expect(within(row).getAllByRole("cell").map((cell) => cell.textContent)).toEqual(["24.5", "5", "50", "24", "38", "39", "39"]);
  await waitFor(() => expect(drawn).not.toHaveLength(0));
  expect(drawn.at(-1)?.options.bands).toHaveLength(1);
  expect(drawn.at(-1)?.data).toHaveLength(4);
  page.getByText("No alerts of these components and no deployments in this time.");
});

it("changes period, comparison and metrics, and keeps them in the address", async () => {
  const page = await openTrends("?metric=tocsin:redis_memory_ratio&period=7d");
  expect(lastAsked(page)).toBe("metrics=memory&period=7d");
  await page.findByRole("table");
  await userEvent.click(page.getByRole("button", { name: "1 h" }));
  expect(page.getByRole("button", { name: "1 h" }).getAttribute("aria-pressed")).toBe("true");
  await userEvent.click(page.getByRole("checkbox", { name: "Compare with the week before" }));
  await userEvent.selectOptions(page.getByRole("combobox", { name: "Add a metric…" }), "tocsin:own");
  await waitFor(() => expect(lastAsked(page)).toBe("metrics=memory,tocsin:own&period=1h&compare=week"));
  expect(decodeURIComponent(location.search)).toBe("?metric=memory,tocsin:own&period=1h&compare=week");
  expect(decodeURIComponent(page.getByRole("link", { name: "Download CSV" }).getAttribute("href") ?? "")).toMatch(
    /trends\?metrics=memory,tocsin:own&period=1h&compare=week&format=csv$/,
  );
  await userEvent.click(page.getByRole("button", { name: "Remove Memory" }));
  await waitFor(() => expect(lastAsked(page)).toContain("metrics=tocsin:own&"));
  expect(page.queryByRole("button", { name: /^Remove/ })).toBeNull();
});

it("zooms and pans by buttons, and by marking a part of the chart", async () => {
  const page = await openTrends("?from=1000000&to=1007200");
  await waitFor(() => expect(drawn).not.toHaveLength(0));
  await userEvent.click(page.getByRole("button", { name: "Earlier" }));
  expect(location.search).toBe("?metric=celery_queue&from=996400&to=1003600");
  await userEvent.click(page.getByRole("button", { name: "Zoom in" }));
  expect(location.search).toBe("?metric=celery_queue&from=998200&to=1001800");
  const plot = {
    select: { left: 10, width: 100 },
    posToVal: (left: number) => 1_000_000 + left * 10,
    setSelect: vi.fn(),
    cursor: { idx: 3 },
  };
  drawn.at(-1)?.options.hooks.setSelect[0]?.(plot);
  expect(location.search).toBe("?metric=celery_queue&from=1000100&to=1001100");
  expect(plot.setSelect).toHaveBeenCalled();
  // A click marks nothing.
  drawn.at(-1)?.options.hooks.setSelect[0]?.({ ...plot, select: { left: 10, width: 1 } });
  expect(location.search).toBe("?metric=celery_queue&from=1000100&to=1001100");
});

it("reads the values under the mouse", async () => {
  const page = await openTrends("");
  await waitFor(() => expect(drawn).not.toHaveLength(0));
  drawn.at(-1)?.options.hooks.setCursor[0]?.({ cursor: { idx: 3 } });
  await page.findByText(/Celery queue: 13 \(5 to 50\)/);
  drawn.at(-1)?.options.hooks.setCursor[0]?.({ cursor: { idx: null } });
  await page.findByText(/Point at the chart/);
});

it("compares with the week before", async () => {
  const metric = makeMetric();
  const series = { ...metric.series[0], change: 0.5, compared: [[NOW, 5, 5, 5]] };
  const page = await openTrends("?compare=week", makeTrends([{ ...metric, series: [series] } as never], { compared_seconds: 604_800 }));
  await page.findByText("+50%");
  await waitFor(() => expect(drawn.at(-1)?.data).toHaveLength(5));
  expect(drawn.at(-1)?.options.series).toHaveLength(5);
});

it("draws limits and what happened, and lists it", async () => {
  const threshold = { severity: "warning" as const, op: ">" as const, value: 20, rule: "CeleryQueueBacklog" };
  const markers = [ALERT_MARKER, DEPLOYMENT_MARKER, { ...DEPLOYMENT_MARKER, at: NOW - 1, link: "" }];
  const page = await openTrends("", makeTrends([makeMetric({ thresholds: [threshold] })], { markers }));
  const list = within(await page.findByRole("region", { name: "What happened" }));
  expect(list.getByRole("link", { name: "High Celery queue backlog" }).getAttribute("href")).toBe("/alerts/a1");
  expect(list.getByRole("link", { name: "fastapi 2.4.1" }).getAttribute("target")).toBe("_blank");
  expect(list.getAllByRole("listitem")).toHaveLength(3);
  await waitFor(() => expect(drawn).not.toHaveLength(0));
  const calls: string[] = [];
  const texts: string[] = [];
  const ctx = new Proxy(
    { fillText: (text: string) => texts.push(text), moveTo: () => calls.push("move"), fill: () => calls.push("fill") },
    { get: (target, key) => Reflect.get(target, key) ?? (() => undefined), set: () => true },
  );
  const bbox = { left: 0, top: 0, width: 1000, height: 100 };
  const plot = { ctx, bbox, valToPos: (value: number, axis: string) => (axis === "x" ? value - NOW : 100 - value) };
  for (const draw of drawn.at(-1)?.options.hooks.draw ?? []) draw(plot);
  expect(texts.map((text) => text.replaceAll("\u00a0", " "))).toEqual(["warning > 20"]);
  // The one before the time that is shown is not drawn.
  expect(calls.filter((call) => call === "fill")).toHaveLength(2);
  expect(drawn.at(-1)?.options.axes[1]?.values(null, [10, 20])).toEqual(["10", "20"]);
  expect(drawn.at(-1)?.options.axes[0]?.values(null, [NOW])).toHaveLength(1);
});

it("says when nothing is recorded, when a name is unknown, and when series are left out", async () => {
  const page = await openTrends("?metric=other", makeTrends([makeMetric({}, [])]));
  await page.findByText(/Nothing is recorded under the name “other”/);
  await page.findByText("No values are recorded for this time");
  close();
  const cut = await openTrends("", makeTrends([makeMetric({ truncated: true })]));
  await cut.findByText(/Only the first 20 series are shown of: Celery queue/);
});

it("says what failed and tries again", async () => {
  const away = new Reply(503, { detail: "Postgres can't be reached.", mend: "Try again later." });
  const page = await openTrends("", away);
  await page.findByText("Postgres can't be reached.");
  fireEvent.click(page.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(asked(page)).toHaveLength(2));
  close();
  const names = await openLive("/trends", {}, { [NAMES]: away });
  await names.findByText("Postgres can't be reached.");
});

it("asks again while time goes on, and not for a part of the past", async () => {
  const timers = vi.spyOn(globalThis, "setInterval");
  const refreshes = (): (() => void)[] => timers.mock.calls.filter(([, wait]) => wait === 30_000).map(([call]) => call as () => void);
  const page = await openTrends("");
  await waitFor(() => expect(refreshes()).not.toHaveLength(0));
  refreshes().at(-1)?.();
  await waitFor(() => expect(asked(page)).toHaveLength(2));
  const before = refreshes().length;
  await userEvent.click(page.getByRole("button", { name: "Earlier" }));
  await waitFor(() => expect(asked(page)).toHaveLength(3));
  expect(refreshes()).toHaveLength(before);
  timers.mockRestore();
});

it("offers ready-made selections of what is recorded, and a usual day where days are shown", async () => {
  const points = Array.from({ length: 72 }, (_, hour): [number, number, number, number] => [
    Date.UTC(2026, 0, 1, hour) / 1000, hour % 24 === 12 ? 80 : 20, 0, 99,
  ]);
  const start = points[0]?.[0] ?? 0;
  const days = makeTrends([makeMetric({}, points)], { start, end: start + 72 * 3600, step: 3600 });
  const page = await openTrends("?metric=tocsin:own&period=1h", days);
  const views = within(await page.findByRole("group", { name: "Ready-made selections" }));
  expect(views.getAllByRole("button").map((button) => button.textContent)).toEqual(["Celery"]);
  await userEvent.click(views.getByRole("button", { name: "Celery" }));
  await waitFor(() => expect(lastAsked(page)).toBe("metrics=celery_queue&period=24h"));
  expect(views.getByRole("button", { name: "Celery" }).getAttribute("aria-pressed")).toBe("true");
  const noon = String(new Date(Date.UTC(2026, 0, 1, 12)).getHours()).padStart(2, "0");
  await page.findByText(new RegExp(`^Highest at ${noon}:00 \\(80\\), lowest at .* \\(20\\)`));
  expect(page.getByRole("region", { name: "By hour of the day" }).querySelectorAll("rect")).toHaveLength(24);
});

it("makes a value that stands alone visible", async () => {
  const lone = makeTrends([makeMetric({}, [[NOW, 7, 7, 7]])]);
  await openTrends("", lone);
  await waitFor(() => expect(drawn).not.toHaveLength(0));
  const { options, data } = drawn.at(-1) as Drawn;
  const { filter } = (options.series[1] as { points: { filter: (plot: { data: unknown[] }, series: number) => number[] } }).points;
  expect(filter({ data }, 1)).toEqual([0]);
  // Alone, alone, three in a row of which one was not measured, alone.
  expect(filter({ data: [[], [1, null, 2, null, 3, undefined, 4, null, 5]] }, 1)).toEqual([0, 2, 8]);
});
