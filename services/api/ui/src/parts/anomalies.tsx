/** Values that the rules of `rules/anomalies` find unlike those of the last hour. */

import type { JSX } from "preact";

import { formatValue } from "../format";
import { strings } from "../strings";
import type { Alert } from "../types";
import { Section } from "./states";
import { Age } from "./time";

const words = strings.anomalies;

/** Nothing stands here where nothing is unusual, or where the rules are not loaded. */
export function Anomalies({ alerts, stale }: { alerts: Alert[]; stale: boolean }): JSX.Element | null {
  const unusual = alerts.filter((alert) => alert.labels["anomaly"] === "true");
  if (unusual.length === 0) return null;
  return (
    <Section id="anomalies" title={words.title} count={unusual.length} stale={stale}>
      <ul class="services card">
        {unusual.map((alert) => {
          const score = alert.value ?? 0;
          const far = formatValue(Math.abs(score), "count");
          return (
            <li key={alert.id}>
              <a href={`/alerts/${encodeURIComponent(alert.id)}`}>{alert.labels["what"] ?? alert.name}</a>
              <span>{score < 0 ? words.below(far) : words.above(far)}</span>
              <span class="quiet">
                {words.since} <Age at={alert.starts_at} />
              </span>
            </li>
          );
        })}
      </ul>
      <p class="quiet">{words.help}</p>
    </Section>
  );
}
