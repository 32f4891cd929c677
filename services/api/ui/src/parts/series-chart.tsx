import type { JSX } from "preact";

import type { AlertChart, Panel, Unit } from "../types";
import { Chart } from "./chart";

const MOST = 3;

/** What an alert's rule compares, a chart for each series, with its limits. */
export function SeriesCharts(props: { id: string; chart: AlertChart; unit?: Unit; title: string; none: string }): JSX.Element {
  const { id, chart, unit, title, none } = props;
  const series = chart.series.filter((one) => one.points.length > 1).slice(0, MOST);
  if (series.length === 0) return <p class="quiet">{none}</p>;
  return (
    <>
      {series.map((one, index) => {
        const labels = Object.entries(one.labels).map(([name, value]) => `${name}=${value}`);
        const panel = {
          key: `${id} ${index}`,
          title,
          unit: unit ?? "count",
          value: one.points.at(-1)?.[1] ?? null,
          thresholds: chart.thresholds,
          spark: one.points,
        } as Panel;
        return (
          <div key={panel.key} class="card chart-card">
            <code>{[chart.expr, ...labels].join(" · ")}</code>
            <Chart panel={panel} />
          </div>
        );
      })}
    </>
  );
}
