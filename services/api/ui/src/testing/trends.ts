/** Sample answers about the past, for tests. */

import type { Marker, RecordedMetric, TrendMetric, Trends } from "../model/trends";
import { NOW } from "./world";

type Point = [number, number, number, number];

export const POINTS: Point[] = Array.from({ length: 30 }, (_, index) => [NOW + index * 60, 10 + index, 5, 50]);

export function makeRecorded(changes: Partial<RecordedMetric> = {}): RecordedMetric {
  return {
    metric: "tocsin:celery_queue_length",
    key: "celery_queue",
    title: "Celery queue",
    unit: "count",
    component: "celery",
    last_at: NOW,
    series: 1,
    ...changes,
  };
}

export function makeMetric(changes: Partial<TrendMetric> = {}, points: Point[] = POINTS): TrendMetric {
  const { metric, key, title, unit, component } = makeRecorded();
  return {
    metric,
    key,
    title,
    unit,
    component,
    thresholds: [],
    truncated: false,
    series: [
      {
        labels: { queue: "celery" },
        points,
        stats: { avg: 24.5, min: 5, max: 50, last: 39, p50: 24, p95: 38, p99: 39, count: 120 },
        compared: [],
        change: null,
      },
    ],
    ...changes,
  };
}

export function makeTrends(metrics: TrendMetric[] = [makeMetric()], changes: Partial<Trends> = {}): Trends {
  return {
    start: NOW,
    end: NOW + 1800,
    step: 60,
    level: "minute",
    stats_step: 60,
    compared_seconds: 0,
    metrics,
    markers: [],
    ...changes,
  };
}

export const ALERT_MARKER: Marker = {
  at: NOW + 300,
  end: null,
  kind: "alert",
  text: "High Celery queue backlog",
  component: "celery",
  severity: "warning",
  link: "/alerts/a1",
};

export const DEPLOYMENT_MARKER: Marker = {
  at: NOW + 600,
  end: null,
  kind: "deployment",
  text: "2.4.1",
  component: "fastapi",
  severity: "",
  link: "https://ci.example/7",
};
