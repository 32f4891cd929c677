/** The shapes of the API's answers; times are seconds since the epoch. */

export type Unit = "seconds" | "ratio" | "count" | "per_second" | "bytes";
export type PanelStatus = "ok" | "warning" | "critical" | "unknown";
export type ComponentStatus = "healthy" | "degraded" | "down" | "unknown";
export type Overall = "operational" | "degraded" | "down" | "unknown";
export type Role = "viewer" | "operator" | "admin";

export interface Threshold {
  severity: string;
  op: string;
  value: number;
  rule: string;
}

export interface Panel {
  key: string;
  title: string;
  component: string;
  unit: Unit;
  value: number | null;
  change: number | null;
  trend: "up" | "down" | "flat" | "none";
  status: PanelStatus;
  thresholds: Threshold[];
  spark: [number, number][];
  grid: boolean;
}

export interface Metrics {
  at: number;
  panels: Panel[];
}

export interface Component {
  key: string;
  title: string;
  status: ComponentStatus;
  message: string;
  last_check: number | null;
  metrics: Panel[];
}

export interface ServiceBeat {
  service: string;
  instance: string;
  ready: boolean;
  detail: string;
  at: number;
  version: string;
}

export interface Health {
  at: number;
  overall: Overall;
  components: Component[];
  services: ServiceBeat[];
  missing_services: string[];
}

export interface Acknowledgement {
  by: string;
  at: number;
  comment: string;
}

export interface AlertRule {
  name: string;
  group: string;
  file: string;
  expr: string;
}

export interface Alert {
  id: string;
  fingerprint: string;
  name: string;
  status: "firing" | "resolved";
  severity: string;
  category: string;
  component: string;
  summary: string;
  description: string;
  action: string;
  action_link: string;
  value: number | null;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  active_at: number | null;
  starts_at: number;
  ends_at: number | null;
  acknowledged: Acknowledgement | null;
  muted: string;
  muted_until: number | null;
  flapping: boolean;
  rule: AlertRule;
  notifications: number;
}

export interface TimelineEntry {
  at: number;
  kind: "active" | "firing" | "acknowledged" | "unacknowledged" | "notification" | "resolved";
  by: string;
  text: string;
  channel: string;
  recipient: string;
  result: string;
  reason: string;
}

export interface AlertDetail extends Alert {
  timeline: TimelineEntry[];
}

export interface HistoryPage {
  alerts: Alert[];
  next_cursor: string | null;
}

export interface User {
  username: string;
  role: Role;
}

export interface Login {
  user: User;
  csrf_token: string;
}

export interface Snapshot {
  seq: number;
  type: "snapshot";
  at: number;
  health: Health;
  metrics: Metrics;
  alerts: Alert[];
}

export interface Changes {
  seq: number;
  type: "changes";
  at: number;
  health?: Health;
  metrics?: Metrics;
  alerts?: { upsert: Alert[]; remove: string[] };
}

export type LiveMessage = Snapshot | Changes | { type: "ping" };
