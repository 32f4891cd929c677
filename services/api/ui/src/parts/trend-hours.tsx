import type { JSX } from "preact";

import { formatValue } from "../format";
import type { Hours } from "../model/trends";
import { strings } from "../strings";

const words = strings.trends;
const [WIDTH, HEIGHT, BAR] = [240, 80, 8];

/** What a day looks like hour by hour, a bar each; the highest and lowest hour in words. */
export function TrendHours({ hours }: { hours: Hours[] }): JSX.Element {
  return (
    <div class="trend-hours">
      {hours.map(({ line, means }) => {
        const known = means.filter((mean) => mean !== null);
        const top = Math.max(...known, 0);
        const text = (value: number): string => formatValue(value, line.metric.unit);
        const at = (value: number): string => words.hour(means.indexOf(value));
        return (
          <figure key={line.label} class="card">
            <figcaption>
              <strong>{line.label}</strong>
              {known.length > 0 && (
                <p class="quiet">
                  {words.hoursRead(
                    at(Math.max(...known)), text(Math.max(...known)), at(Math.min(...known)), text(Math.min(...known)),
                  )}
                </p>
              )}
            </figcaption>
            <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 14}`} aria-hidden="true">
              {means.map((mean, hour) => {
                const height = mean === null || top === 0 ? 0 : Math.max(1, (Math.max(mean, 0) / top) * HEIGHT);
                return (
                  <rect key={hour} x={hour * 10 + 1} y={HEIGHT - height} width={BAR} height={height} fill="currentColor" data-series={line.colour} />
                );
              })}
              {[0, 6, 12, 18].map((hour) => (
                <text key={hour} x={hour * 10 + 1} y={HEIGHT + 12}>
                  {words.hour(hour)}
                </text>
              ))}
            </svg>
          </figure>
        );
      })}
    </div>
  );
}
