import type { JSX } from "preact";

import { formatValue } from "../format";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { Component, Panel } from "../types";
import { Badge, Icon } from "./icon";
import { Limits } from "./limits";
import { Sparkline } from "./sparkline";
import { Age } from "./time";

const words = strings.component;

function Row({ panel }: { panel: Panel }): JSX.Element {
  const tone = toneOf(panel.status);
  const breached = tone === "warning" || tone === "critical";
  return (
    <div class="row" data-tone={breached ? tone : undefined}>
      <dt>{panel.title}</dt>
      <dd class="row-spark">
        <Sparkline panel={panel} height={18} />
      </dd>
      <dd class="row-value">
        {breached && <Icon name={tone} label={strings.panel.status[panel.status]} tone={tone} />}
        {panel.value === null ? <span class="row-none">{strings.panel.noValue}</span> : formatValue(panel.value, panel.unit)}
      </dd>
      <dd class="row-limits">
        <Limits panel={panel} />
      </dd>
    </div>
  );
}

/** One watched component: status, message, last check, and its metrics with their thresholds. */
export function ComponentCard({ component }: { component: Component }): JSX.Element {
  const tone = toneOf(component.status);
  return (
    <article
      class="card component"
      id={`component-${component.key}`}
      tabIndex={-1}
      data-tone={tone}
      aria-labelledby={`component-${component.key}-title`}
    >
      <header class="card-head">
        <h3 id={`component-${component.key}-title`}>{component.title}</h3>
        <Badge tone={tone} text={words[component.status] ?? component.status} />
      </header>
      <p class="component-message">{component.message}</p>
      {component.metrics.length === 0 ? (
        <p class="quiet">{words.noMetrics}</p>
      ) : (
        <dl class="rows">
          {component.metrics.map((panel) => (
            <Row key={panel.key} panel={panel} />
          ))}
        </dl>
      )}
      <footer class="card-foot">
        {component.last_check === null ? (
          words.never
        ) : (
          <>
            {words.checked} <Age at={component.last_check} />
          </>
        )}
      </footer>
    </article>
  );
}
