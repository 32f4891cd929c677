import type { JSX } from "preact";

import { strings } from "../strings";
import type { Health } from "../types";
import { Badge, Icon } from "./icon";
import { Section } from "./states";
import { Age } from "./time";

const words = strings.services;

/** Whether Tocsin's own processes are alive: a silent watcher must not look like a quiet night. */
export function Services({ health, stale }: { health: Health; stale: boolean }): JSX.Element {
  const { services, missing_services: missing } = health;
  return (
    <Section id="services" title={words.title} stale={stale}>
      {missing.length > 0 && (
        <p class="notice" data-tone="critical">
          <Icon name="critical" tone="critical" />
          {words.missingHelp(missing)}
        </p>
      )}
      {services.length === 0 && missing.length === 0 && <p class="quiet">{words.none}</p>}
      {services.length > 0 && (
        <ul class="services card">
          {services.map((beat) => (
            <li key={`${beat.service} ${beat.instance}`} title={`${beat.instance} · ${beat.version}`}>
              <span class="service-name">{words.names[beat.service] ?? beat.service}</span>
              <Badge tone={beat.ready ? "ok" : "warning"} text={beat.ready ? words.ready : words.notReady} />
              <span class="quiet">
                {words.seen} <Age at={beat.at} />
              </span>
              {!beat.ready && beat.detail !== "" && <span class="service-detail">{beat.detail}</span>}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
