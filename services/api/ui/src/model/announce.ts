/** What a person who hears the page must be told of a change. Pure. */

import { strings } from "../strings";
import type { LiveState } from "./reduce";

const MOST = 3;

/** Sentences for the live region, the most urgent first; none at the first state. */
export function announcements(before: LiveState | null, after: LiveState | null): string[] {
  if (before === null || after === null || before === after) return [];
  const said = strings.announce;
  const sentences: string[] = [];
  if (before.health.overall !== after.health.overall) {
    sentences.push(said.overall(strings.overall[after.health.overall]));
  }
  const known = new Map(before.alerts.map((alert) => [alert.id, alert]));
  const fired = after.alerts.filter((alert) => !known.has(alert.id));
  if (fired.length > MOST) sentences.push(said.firedMany(fired.length));
  else sentences.push(...fired.map((alert) => said.fired(alert.severity, alert.summary)));

  const still = new Set(after.alerts.map((alert) => alert.id));
  const gone = before.alerts.filter((alert) => !still.has(alert.id));
  if (gone.length > MOST) sentences.push(said.resolvedMany(gone.length));
  else sentences.push(...gone.map((alert) => said.resolved(alert.summary)));

  for (const alert of after.alerts) {
    const earlier = known.get(alert.id);
    if (earlier && !earlier.acknowledged && alert.acknowledged) {
      sentences.push(said.acknowledged(alert.summary, alert.acknowledged.by));
    }
  }
  return sentences;
}
