/** Sample answers in the API's shapes, for tests. */

import type { Alert, AlertDetail, Component, Health, Panel, Snapshot } from "../types";

export const NOW = 1_700_000_000;

export function makePanel(changes: Partial<Panel> = {}): Panel {
  return {
    key: "celery_queue",
    title: "Celery queue",
    component: "celery",
    unit: "count",
    value: 47,
    change: 1.5,
    trend: "up",
    status: "warning",
    thresholds: [{ severity: "warning", op: ">", value: 20, rule: "CeleryQueueBacklog" }],
    spark: [
      [NOW - 30, 6],
      [NOW - 15, 30],
      [NOW, 47],
    ],
    grid: true,
    ...changes,
  };
}

export function makeAlert(changes: Partial<Alert> = {}): Alert {
  return {
    id: "a1",
    fingerprint: "f1",
    name: "CeleryQueueBacklog",
    status: "firing",
    severity: "warning",
    category: "performance",
    component: "celery",
    summary: "High Celery queue backlog",
    description: "47 tasks pending (threshold: 20)",
    action: "Scale up Celery workers",
    action_link: "/#component-celery",
    value: 47,
    labels: { queue: "celery" },
    annotations: {},
    active_at: NOW - 210,
    starts_at: NOW - 90,
    ends_at: null,
    acknowledged: null,
    muted: "",
    muted_until: null,
    flapping: false,
    rule: {
      name: "CeleryQueueBacklog",
      group: "celery",
      file: "rules/celery.yml",
      expr: "tocsin:celery_queue_length > 20",
      for_seconds: 120,
      cooldown_seconds: 900,
      max_alerts_per_hour: 4,
    },
    notifications: 1,
    ...changes,
  };
}

export function makeDetail(changes: Partial<AlertDetail> = {}): AlertDetail {
  const blank = { by: "", text: "", channel: "", recipient: "", result: "", reason: "" };
  return {
    ...makeAlert(),
    complete: true,
    verdict: null,
    timeline: [
      { ...blank, at: NOW - 90, kind: "firing", text: "High Celery queue backlog" },
      { ...blank, at: NOW - 210, kind: "active" },
      {
        ...blank,
        at: NOW - 80,
        kind: "notification",
        channel: "email",
        recipient: "oncall@shop.example",
        result: "temporary_failure",
        reason: "connection_refused",
      },
    ],
    ...changes,
  };
}

export function makeComponent(changes: Partial<Component> = {}): Component {
  return {
    key: "celery",
    title: "Celery",
    status: "degraded",
    message: "High Celery queue backlog.",
    last_check: NOW - 3,
    metrics: [makePanel()],
    ...changes,
  };
}

export function makeHealth(changes: Partial<Health> = {}): Health {
  return {
    at: NOW,
    overall: "operational",
    components: [makeComponent({ status: "healthy", message: "Within all limits." })],
    external: [],
    services: [{ service: "api", instance: "api-1", ready: true, detail: "", at: NOW - 1, version: "0.1.0" }],
    missing_services: [],
    ...changes,
  };
}

export function makeSnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    seq: 1,
    epoch: "e1",
    type: "snapshot",
    at: NOW,
    health: makeHealth(),
    metrics: { at: NOW, panels: [makePanel()] },
    alerts: [],
    ...changes,
  };
}
