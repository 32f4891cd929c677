import type { JSX } from "preact";

import { formatChange, reading } from "../format";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { Panel } from "../types";
import { Icon } from "./icon";
import { Limits } from "./limits";
import { Sparkline } from "./sparkline";

const words = strings.panel;

function Trend({ panel }: { panel: Panel }): JSX.Element | null {
  if (panel.trend === "none") return null;
  const { trend, change } = panel;
  const steady = trend === "flat" || change === null;
  return (
    <span class="trend" title={words.compared}>
      <Icon name={trend} label={words.trend[trend]} />
      {steady ? words.trend[trend] : formatChange(change)}
      <span class="hidden"> {words.compared}</span>
    </span>
  );
}

/** One metric of the grid: value, trend, status, thresholds and the last 15 minutes. */
export function PanelTile({ panel }: { panel: Panel }): JSX.Element {
  const tone = toneOf(panel.status);
  const value = panel.value === null ? null : reading(panel.value, panel.unit);
  return (
    <article class="card tile" data-tone={tone} aria-labelledby={`panel-${panel.key}`}>
      <header class="card-head">
        <h3 id={`panel-${panel.key}`}>
          <a href={`/trends?metric=${encodeURIComponent(panel.key)}`}>{panel.title}</a>
        </h3>
        <Icon name={tone} label={words.status[panel.status]} tone={tone} />
      </header>
      <p class="tile-value">
        {value === null ? (
          <span class="tile-none">{words.noValue}</span>
        ) : (
          <span>
            <span class="number">{value.number}</span>
            {value.unit !== "" && <span class="unit"> {value.unit}</span>}
          </span>
        )}
        <Trend panel={panel} />
      </p>
      <Sparkline panel={panel} height={36} />
      <p class="tile-limits">
        <Limits panel={panel} />
      </p>
    </article>
  );
}
