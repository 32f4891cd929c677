import type { JSX } from "preact";

import { strings } from "../strings";
import type { Alert } from "../types";
import { AlertItem } from "./alert-item";
import { Empty, Section } from "./states";

export function ActiveAlerts({ alerts, stale }: { alerts: Alert[]; stale: boolean }): JSX.Element {
  const words = strings.alerts;
  return (
    <Section id="alerts" title={words.title} count={alerts.length} stale={stale}>
      {alerts.length === 0 ? (
        <Empty icon="ok" title={words.none} help={words.noneHelp} />
      ) : (
        <ul class="alerts">
          {alerts.map((alert) => (
            <li key={alert.id}>
              <AlertItem alert={alert} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
