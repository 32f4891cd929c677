import type { JSX } from "preact";

import { formatValue } from "../format";
import { strings } from "../strings";
import type { ExternalService } from "../types";
import type { Tone } from "../tones";
import { Badge } from "./icon";
import { Section } from "./states";

const words = strings.external;
const TONES: Record<ExternalService["status"], Tone> = { up: "ok", down: "critical", unknown: "unknown" };

/** What the stack needs of others, as probes see it; nothing where none is watched. */
export function External({ services, stale }: { services: ExternalService[]; stale: boolean }): JSX.Element | null {
  if (services.length === 0) return null;
  return (
    <Section id="external" title={words.title} stale={stale}>
      <ul class="services card">
        {services.map(({ name, status, seconds }) => (
          <li key={name}>
            <span class="service-name">{name}</span>
            <Badge tone={TONES[status]} text={words.states[status] ?? status} />
            {seconds !== null && <span class="quiet">{words.took(formatValue(seconds, "seconds"))}</span>}
          </li>
        ))}
      </ul>
    </Section>
  );
}
