import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { arriveLate } from "../model/router";
import { useStore } from "../model/store";
import { ActiveAlerts } from "../parts/active-alerts";
import { Anomalies } from "../parts/anomalies";
import { Banner } from "../parts/banner";
import { ComponentCard } from "../parts/component-card";
import { External } from "../parts/external";
import { PanelTile } from "../parts/panel-tile";
import { Recent } from "../parts/recent";
import { Services } from "../parts/services";
import { Empty, Loading, Section } from "../parts/states";
import { strings } from "../strings";

export function OverviewPage(): JSX.Element {
  const store = useStore();
  const state = store.state.value;
  const stale = store.stale.value;
  const known = state !== null;
  useEffect(() => {
    if (known) arriveLate();
  }, [known]);
  if (state === null) return <Loading />;
  const { health, metrics, alerts } = state;
  const grid = metrics.panels.filter((panel) => panel.grid);
  return (
    <>
      <Banner state={state} stale={stale} />
      <div class="overview">
        <div class="side">
          <ActiveAlerts alerts={alerts} stale={stale} />
          <Recent version={alerts.map((alert) => alert.id).join(" ")} />
        </div>
        <div class="wide">
          <Section id="components" title={strings.component.title} stale={stale}>
            {health.components.length === 0 ? (
              <Empty icon="unknown" title={strings.overall.unknown} help={strings.component.none} />
            ) : (
              <div class="components">
                {health.components.map((component) => (
                  <ComponentCard key={component.key} component={component} />
                ))}
              </div>
            )}
          </Section>
          <External services={health.external} stale={stale} />
          <Section id="metrics" title={strings.panel.title} stale={stale}>
            {grid.length === 0 ? (
              <p class="quiet">{strings.panel.none}</p>
            ) : (
              <div class="tiles">
                {grid.map((panel) => (
                  <PanelTile key={panel.key} panel={panel} />
                ))}
              </div>
            )}
          </Section>
          <Anomalies alerts={alerts} stale={stale} />
          <Services health={health} stale={stale} />
        </div>
      </div>
    </>
  );
}
