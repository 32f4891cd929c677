import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatDuration } from "../format";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { severityText } from "../parts/alert-item";
import { Failure, Loading, Section } from "../parts/states";
import { strings } from "../strings";
import type { Statistics } from "../types";

const words = strings.statistics;
const percent = (ratio: number | null): string =>
  ratio === null ? words.unknown : `${(Math.floor(ratio * 100_000) / 1000).toFixed(ratio >= 0.99 && ratio < 1 ? 3 : 1)} %`;
const span = (seconds: number | null): string => (seconds === null ? words.unknown : formatDuration(seconds));

function Table({ caption, head, rows }: { caption: string; head: string[]; rows: (string | number)[][] }): JSX.Element {
  return (
    <div class="card scroll" tabIndex={0} role="group" aria-label={caption}>
      <table>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[0]}>
              {row.map((cell, index) => (
                <td key={index}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Figures({ of }: { of: Statistics }): JSX.Element {
  const store = useStore();
  const perWeek = of.false_alarms_per_person_and_week;
  const facts: [string, string][] = [
    [words.alerts, String(of.alerts)],
    [words.mtta, words.meanAndMedian(span(of.mtta), span(of.mtta_median))],
    [words.mttr, words.meanAndMedian(span(of.mttr), span(of.mttr_median))],
    [words.precision, words.judged(percent(of.precision), of.true_alarms, of.false_alarms, of.noise)],
    [words.perWeek, perWeek === null ? words.unknown : perWeek.toFixed(2)],
    [words.severities, of.severities.map((one) => `${severityText(one.severity)} ${one.alerts}`).join(", ") || "0"],
  ];
  return (
    <>
      <dl class="card facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Section id="noisiest" title={words.noisiest}>
        <Table
          caption={words.noisiest}
          head={words.ruleColumns}
          rows={of.noisiest.map((one) => [one.name, one.alerts, span(one.seconds), one.unacknowledged, one.false_alarms])}
        />
      </Section>
      <Section id="uptimes" title={words.uptime}>
        <Table
          caption={words.uptime}
          head={words.uptimeColumns}
          rows={of.uptimes.map((one) => [store.componentTitle(one.component), percent(one.ratio), span(one.down_seconds)])}
        />
      </Section>
    </>
  );
}

export function StatisticsPage(): JSX.Element {
  const store = useStore();
  const [days, setDays] = useState(30);
  const { data, error, reload } = useResource(() => store.api.statistics(days), [days]);
  return (
    <>
      <header class="page-head page-row">
        <h1>{words.title}</h1>
        <label>
          {words.span}
          <select value={String(days)} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {words.spans.map(([value, name]) => (
              <option key={value} value={String(value)}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </header>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && <Figures of={data} />}
    </>
  );
}
