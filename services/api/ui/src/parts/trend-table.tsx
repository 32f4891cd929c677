import type { JSX } from "preact";

import { formatChange, formatTime, formatValue } from "../format";
import type { ChartData, Line, Marker } from "../model/trends";
import { safeLink } from "../model/router";
import { strings } from "../strings";
import { toneOf } from "../tones";
import { Badge, Icon } from "./icon";

const words = strings.trends;

function Row({ line, compared }: { line: Line; compared: boolean }): JSX.Element {
  const { stats, change } = line.series;
  const text = (value: number | undefined): string => formatValue(value ?? null, line.metric.unit);
  return (
    <tr>
      <th scope="row">
        <span class="swatch" data-series={line.colour} aria-hidden="true" />
        {line.label}
      </th>
      {[stats?.avg, stats?.min, stats?.max, stats?.p50, stats?.p95, stats?.p99, stats?.last].map((value, at) => (
        <td key={at}>{text(value)}</td>
      ))}
      {compared && <td>{change === null ? words.notCompared : formatChange(change)}</td>}
    </tr>
  );
}

/** The figures of every line over the whole time. */
export function TrendTable({ charts, compared }: { charts: ChartData[]; compared: boolean }): JSX.Element {
  const heads = [...words.columns, ...(compared ? [words.change] : [])];
  return (
    <div class="card trend-table" data-scrolls role="region" aria-label={words.table} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {charts.flatMap((chart) => chart.lines).map((line) => (
            <Row key={line.label} line={line} compared={compared} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Happened({ marker }: { marker: Marker }): JSX.Element {
  const link = safeLink(marker.link);
  const text = marker.kind === "deployment" ? words.deployed(marker.component, marker.text) : marker.text;
  return (
    <li>
      {marker.kind === "alert" ? (
        <Badge tone={toneOf(marker.severity)} text={strings.severity[marker.severity] ?? marker.severity} />
      ) : (
        <span class="badge" data-tone="info">
          <Icon name="up" />
          {words.deployment}
        </span>
      )}
      {link === null ? (
        <span>{text}</span>
      ) : (
        <a href={link.href} {...(link.external ? { target: "_blank", rel: "noreferrer" } : {})}>
          {text}
        </a>
      )}
      <time dateTime={new Date(marker.at * 1000).toISOString()}>{formatTime(marker.at)}</time>
    </li>
  );
}

/** Alerts and deployments of the time that is shown, the newest first. */
export function TrendMarkers({ markers }: { markers: Marker[] }): JSX.Element {
  if (markers.length === 0) return <p class="quiet">{words.nothingHappened}</p>;
  return (
    <ul class="card trend-markers">
      {markers.toReversed().map((marker) => (
        <Happened key={`${marker.kind} ${marker.at} ${marker.text} ${marker.link}`} marker={marker} />
      ))}
    </ul>
  );
}
