import type { JSX } from "preact";

import { formatValue } from "../format";
import { useStore } from "../model/store";
import { Chart } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Limits } from "../parts/limits";
import { Loading, Section } from "../parts/states";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { Panel } from "../types";

const words = strings.trends;

function TrendCard({ panel }: { panel: Panel }): JSX.Element {
  const tone = toneOf(panel.status);
  return (
    <article
      class="card chart-card"
      data-tone={tone}
      aria-labelledby={`trend-${panel.key}`}
    >
      <header class="card-head">
        <h3 id={`trend-${panel.key}`}>{panel.title}</h3>
        <span class="chart-value">
          <Icon name={tone} label={strings.panel.status[panel.status]} tone={tone} />
          {formatValue(panel.value, panel.unit)}
        </span>
      </header>
      <p class="tile-limits">
        <Limits panel={panel} />
      </p>
      <Chart panel={panel} />
    </article>
  );
}

/** Panels of the same component together, in the order in which the components first appear. */
function byComponent(panels: Panel[]): Map<string, Panel[]> {
  const groups = new Map<string, Panel[]>();
  for (const panel of panels) groups.set(panel.component, [...(groups.get(panel.component) ?? []), panel]);
  return groups;
}

/** Every recorded metric as a chart; `?metric=` names one, as the rules' action links do. */
export function TrendsPage({ metric }: { metric: string }): JSX.Element {
  const store = useStore();
  const state = store.state.value;
  if (state === null) return <Loading />;
  const { panels } = state.metrics;
  const chosen = panels.filter((panel) => panel.key === metric);
  const groups = byComponent(chosen.length > 0 ? chosen : panels);
  return (
    <>
      <header class="page-head">
        <h1>{words.title}</h1>
        <p>{words.intro}</p>
        {metric !== "" && chosen.length === 0 && <p class="notice">{words.unknownMetric(metric)}</p>}
        {chosen.length > 0 && (
          <p>
            <a href="/trends">{words.all}</a>
          </p>
        )}
      </header>
      {panels.length === 0 && <p class="quiet">{strings.panel.none}</p>}
      {[...groups].map(([component, group]) => (
        <Section
          key={component}
          id={`trends-${component}`}
          title={store.componentTitle(component)}
          stale={store.stale.value}
        >
          <div class="charts" data-single={chosen.length === 1 ? "" : undefined}>
            {group.map((panel) => (
              <TrendCard key={panel.key} panel={panel} />
            ))}
          </div>
        </Section>
      ))}
    </>
  );
}
