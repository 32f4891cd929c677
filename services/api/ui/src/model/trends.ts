/** What the Trends page shows, kept in its address, and how answers become columns for charts. Pure. */

import type { components } from "../api-types";
import type { Unit } from "../types";

type Schemas = components["schemas"];
export type Trends = Schemas["Trends"];
export type TrendMetric = Schemas["TrendMetric"];
export type TrendSeries = Schemas["TrendSeries"];
export type Marker = Schemas["Marker"];
export type RecordedMetric = Schemas["RecordedMetric"];
type Point = [number, number, number, number];
/** `undefined`: nothing measured in this step, the line goes on; `null`: a gap. */
export type Column = (number | null | undefined)[];

export const PERIODS = ["1h", "6h", "24h", "7d", "30d"] as const;
export const MOST_METRICS = 8;
const SECONDS: Record<string, number> = { "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 };
const DEFAULT_PERIOD = "24h";
const SHORTEST = 60;
const LONGEST = 400 * 86_400;
/** A pause longer than so many steps is a gap. */
const GAP = 3;
const COLOURS = 6;

export interface View {
  metrics: string[];
  period: string;
  /** Both or none: a part of the past that stands still. */
  from: number | null;
  to: number | null;
  compare: boolean;
}

export function viewOf(search: string): View {
  const query = new URLSearchParams(search);
  const metrics = (query.get("metric") ?? "").split(",").filter((name) => name !== "");
  const period = query.get("period") ?? "";
  const from = Number(query.get("from") ?? NaN);
  const to = Number(query.get("to") ?? NaN);
  const fixed = to - from >= SHORTEST && to - from <= LONGEST && from >= 0;
  return {
    metrics: [...new Set(metrics)].slice(0, MOST_METRICS),
    period: PERIODS.some((known) => known === period) ? period : DEFAULT_PERIOD,
    from: fixed ? from : null,
    to: fixed ? to : null,
    compare: query.get("compare") === "week",
  };
}

/** The address that `viewOf` reads; what is usual is left out. */
export function searchOf(view: View): string {
  const query = new URLSearchParams();
  if (view.metrics.length > 0) query.set("metric", view.metrics.join(","));
  if (view.from !== null && view.to !== null) {
    query.set("from", String(Math.round(view.from)));
    query.set("to", String(Math.round(view.to)));
  } else if (view.period !== DEFAULT_PERIOD) query.set("period", view.period);
  if (view.compare) query.set("compare", "week");
  return query.toString();
}

/** The API's query for a view of these metrics. */
export function questionOf(view: View, metrics: string[]): string {
  const query = new URLSearchParams({ metrics: metrics.join(",") });
  if (view.from !== null && view.to !== null) {
    query.set("from", String(view.from));
    query.set("to", String(view.to));
  } else query.set("period", view.period);
  if (view.compare) query.set("compare", "week");
  return query.toString();
}

export function endsOf(view: View, now: number): [number, number] {
  if (view.from !== null && view.to !== null) return [view.from, view.to];
  return [now - (SECONDS[view.period] ?? 0), now];
}

/** A part of time to stand still at, not shorter than a minute and not in the future. */
export function fixed(view: View, from: number, to: number, now: number): View {
  const span = Math.min(Math.max(to - from, SHORTEST), LONGEST);
  const end = Math.min(Math.max((from + to) / 2 + span / 2, span), now);
  return { ...view, from: Math.round(end - span), to: Math.round(end) };
}

/** Half as much time or twice as much, around the middle. */
export function zoomed(view: View, factor: number, now: number): View {
  const [from, to] = endsOf(view, now);
  const middle = (from + to) / 2;
  const half = ((to - from) / 2) * factor;
  return fixed(view, middle - half, middle + half, now);
}

/** Half a length earlier (-1) or later (1). */
export function panned(view: View, direction: number, now: number): View {
  const [from, to] = endsOf(view, now);
  const step = ((to - from) / 2) * direction;
  return fixed(view, from + step, to + step, now);
}

export interface Line {
  label: string;
  metric: TrendMetric;
  series: TrendSeries;
  /** Which of the colours, from 1. */
  colour: number;
  avg: Column;
  min: Column;
  max: Column;
  /** The mean of a week before; empty when it was not asked for. */
  compared: Column;
}

export interface ChartData {
  unit: Unit;
  times: number[];
  lines: Line[];
  thresholds: TrendMetric["thresholds"];
}

function column(points: Point[], which: 1 | 2 | 3, at: (time: number) => number, size: number): Column {
  const values: Column = new Array<undefined>(size).fill(undefined);
  const places = points.map((point) => at(point[0]));
  // Points of a coarser record stand farther apart.
  const usual = Math.min(...places.slice(1).map((place, index) => place - (places[index] ?? 0)), Infinity);
  let last = -1;
  for (const [index, point] of points.entries()) {
    const place = places[index] ?? -1;
    if (place < 0 || place >= size) continue;
    if (last >= 0 && place - last > GAP * usual) values.fill(null, last + 1, place);
    values[place] = point[which];
    last = place;
  }
  return values;
}

function labelOf(metric: TrendMetric, series: TrendSeries): string {
  const labels = Object.entries(series.labels).map(([name, value]) => `${name}=${value}`);
  return labels.length === 0 || metric.series.length === 1 ? metric.title : `${metric.title} (${labels.join(", ")})`;
}

/** One chart for each unit, in the order of the metrics; a colour for each line over all charts. */
export function chartsOf(trends: Trends): ChartData[] {
  const size = Math.round((trends.end - trends.start) / trends.step);
  const times = Array.from({ length: size }, (_, index) => trends.start + index * trends.step);
  const at = (time: number): number => Math.round((time - trends.start) / trends.step);
  const charts = new Map<Unit, ChartData>();
  let colour = 0;
  for (const metric of trends.metrics) {
    const chart = charts.get(metric.unit) ?? { unit: metric.unit, times, lines: [], thresholds: [] };
    charts.set(metric.unit, chart);
    chart.thresholds = [...chart.thresholds, ...metric.thresholds];
    for (const series of metric.series) {
      const points = series.points as Point[];
      chart.lines.push({
        label: labelOf(metric, series),
        metric,
        series,
        colour: (colour++ % COLOURS) + 1,
        avg: column(points, 1, at, size),
        min: column(points, 2, at, size),
        max: column(points, 3, at, size),
        compared: trends.compared_seconds === 0 ? [] : column(series.compared as Point[], 1, at, size),
      });
    }
  }
  return [...charts.values()].filter((chart) => chart.lines.length > 0);
}

/** Ready-made selections: what people ask for first, by the panels' keys. */
export const VIEWS: Record<string, { metrics: string[]; period: string }> = {
  payments: { metrics: ["payments", "payment_failures"], period: "24h" },
  latency: { metrics: ["api_response_time", "error_rate", "api_requests"], period: "24h" },
  database: { metrics: ["db_query_p95", "db_connections", "db_disk"], period: "24h" },
  celery: { metrics: ["celery_queue", "celery_workers", "celery_failures"], period: "24h" },
  activity: { metrics: ["active_sessions", "api_requests"], period: "7d" },
};

/** The view of that name as far as its metrics are recorded, null when none is. */
export function chosenView(view: View, name: string, all: readonly RecordedMetric[]): View | null {
  const wanted = VIEWS[name];
  const metrics = wanted?.metrics.filter((key) => all.some((metric) => metric.key === key)) ?? [];
  return wanted === undefined || metrics.length === 0
    ? null
    : { ...view, metrics, period: wanted.period, from: null, to: null };
}

export interface Hours {
  line: Line;
  /** The mean by hour of the day in the viewer's zone; null for hours without a value. */
  means: (number | null)[];
}

const DAY = 86_400;

/** Each line's usual day, where more than a day is shown in steps of at most an hour. */
export function byHour(trends: Trends, charts: ChartData[], hourOf: (at: number) => number): Hours[] {
  if (trends.end - trends.start <= DAY || trends.step > 3600) return [];
  return charts.flatMap((chart) =>
    chart.lines.map((line) => {
      const sums = Array.from({ length: 24 }, () => ({ total: 0, count: 0 }));
      for (const [at, mean] of line.series.points as Point[]) {
        const sum = sums[hourOf(at)];
        if (sum === undefined) continue;
        sum.total += mean;
        sum.count += 1;
      }
      return { line, means: sums.map(({ total, count }) => (count === 0 ? null : total / count)) };
    }),
  );
}
