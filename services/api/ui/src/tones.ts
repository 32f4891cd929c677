/** How urgent something looks. The statuses come from the API; here they only get a colour and a shape. */

import type { ComponentStatus, Overall, PanelStatus } from "./types";

export type Tone = "ok" | "warning" | "critical" | "unknown" | "info";

const TONES: Record<ComponentStatus | Overall | PanelStatus | "info", Tone> = {
  healthy: "ok",
  operational: "ok",
  ok: "ok",
  degraded: "warning",
  warning: "warning",
  down: "critical",
  critical: "critical",
  info: "info",
  unknown: "unknown",
};

/** The tone of a status or severity; what the page does not know looks unknown, never fine. */
export function toneOf(name: string): Tone {
  return Object.hasOwn(TONES, name) ? TONES[name as keyof typeof TONES] : "unknown";
}

const URGENCY = ["critical", "warning", "info"];

/** Place of a severity in a list, worst first; unknown ones last. */
export function urgency(severity: string): number {
  const at = URGENCY.indexOf(severity);
  return at === -1 ? URGENCY.length : at;
}
