/** What the page knows, and how a message of the live feed changes it. Pure. */

import { urgency } from "../tones";
import type { Alert, Changes, Health, LiveMessage, Metrics } from "../types";

export interface LiveState {
  seq: number;
  /** The server's process that counts. */
  epoch: string;
  at: number;
  health: Health;
  metrics: Metrics;
  alerts: Alert[];
}

/** Thrown when a message was lost: only a fresh snapshot helps. */
export class GapError extends Error {}

/** Worst severity first, then the oldest, as the API lists them. */
export function sortAlerts(alerts: Alert[]): Alert[] {
  return alerts.toSorted(
    (a, b) => urgency(a.severity) - urgency(b.severity) || a.starts_at - b.starts_at || (a.id < b.id ? -1 : 1),
  );
}

/** Put alerts in, replacing those of the same id, and take some out. */
export function mergeAlerts(alerts: Alert[], upsert: Alert[], remove: string[]): Alert[] {
  const gone = new Set([...remove, ...upsert.map((alert) => alert.id)]);
  const firing = upsert.filter((alert) => alert.status === "firing");
  return sortAlerts([...alerts.filter((alert) => !gone.has(alert.id)), ...firing]);
}

function apply(state: LiveState, message: Changes): LiveState {
  return {
    ...state,
    seq: message.seq,
    at: message.at,
    health: message.health ?? state.health,
    metrics: message.metrics ?? state.metrics,
    alerts: message.alerts ? mergeAlerts(state.alerts, message.alerts.upsert, message.alerts.remove) : state.alerts,
  };
}

/** The state after a message. Raises GapError when one is missing between the two. */
export function reduce(state: LiveState | null, message: LiveMessage): LiveState | null {
  switch (message.type) {
    case "snapshot": {
      const { seq, epoch, at, health, metrics, alerts } = message;
      return { seq, epoch, at, health, metrics, alerts: sortAlerts(alerts) };
    }
    case "changes":
      if (state === null || (message.since ?? message.seq - 1) !== state.seq) {
        throw new GapError(`after ${state?.seq ?? "nothing"} came ${message.seq}`);
      }
      return apply(state, message);
    default:
      return state;
  }
}
