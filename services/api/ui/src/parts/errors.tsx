/** Errors of watched services by kind, with search. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { useRefreshed } from "../model/refresh";
import { useStore } from "../model/store";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { ErrorGroup } from "../types";
import { Badge } from "./icon";
import { Empty, Failure, Loading, Section } from "./states";
import { Age } from "./time";

const words = strings.logErrors;
const REFRESH = 15_000;
const SETTLE = 250;
const WIDTH = 96;
const HEIGHT = 24;

/** Occurrences of the last 24 hours, a bar an hour. */
function Bars({ trend }: { trend: ErrorGroup["trend"] }): JSX.Element {
  const most = Math.max(1, ...trend.map(([, count]) => count));
  const wide = WIDTH / Math.max(1, trend.length);
  const total = trend.reduce((sum, [, count]) => sum + count, 0);
  return (
    <svg class="bars" role="img" aria-label={words.trend(total, most)} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT}>
      {trend.map(([hour, count], index) => {
        const high = count === 0 ? 1 : Math.max(2, (count / most) * HEIGHT);
        return <rect key={hour} x={index * wide} y={HEIGHT - high} width={wide * 0.75} height={high} />;
      })}
    </svg>
  );
}

function Kind({ group }: { group: ErrorGroup }): JSX.Element {
  const { example } = group;
  return (
    <article class="card error-kind" aria-label={group.message}>
      <div class="card-head">
        <h3>{group.type === "" ? group.service : `${group.service}: ${group.type}`}</h3>
        <Badge tone={toneOf(group.level === "error" ? "warning" : group.level)} text={group.level} />
      </div>
      <p class="message">{group.message}</p>
      <div class="error-facts">
        <Bars trend={group.trend} />
        <p class="quiet">
          {words.times(group.count)} · {words.last} <Age at={group.last_seen} /> · {words.first}{" "}
          <Age at={group.first_seen} />
        </p>
      </div>
      <details>
        <summary>{words.example}</summary>
        <p class="message">{example.message}</p>
        {example.traceback !== "" && (
          <pre class="log" tabIndex={0}>
            {example.traceback}
          </pre>
        )}
        <p class="quiet">
          {example.file}
          {example.logger !== "" && ` · ${example.logger}`} · <code>{group.fingerprint}</code>
        </p>
      </details>
    </article>
  );
}

export function Errors(): JSX.Element {
  const store = useStore();
  const [typed, setTyped] = useState("");
  const [text, setText] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setText(typed.trim()), SETTLE);
    return () => clearTimeout(timer);
  }, [typed]);
  const { data, error, reload } = useRefreshed(() => store.api.errors(text), [text], REFRESH);
  return (
    <Section id="errors" title={words.title} count={data?.total ?? 0}>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && !data.configured && <Empty icon="unknown" title={words.notConfigured} help={words.configure} />}
      {data?.configured && (
        <>
          <label class="search">
            {words.search}
            <input type="search" value={typed} maxLength={200} onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
          {data.missing.length > 0 && <p class="notice">{words.missing(data.missing)}</p>}
          {data.total === 0 && (
            <Empty icon="check" title={text === "" ? words.none : words.noMatch} help={text === "" ? words.noneHelp : words.noMatchHelp} />
          )}
          {data.total > data.errors.length && <p class="quiet">{words.shown(data.errors.length, data.total)}</p>}
          <div class="cards">
            {data.errors.map((group) => (
              <Kind key={`${group.target} ${group.fingerprint} ${group.level}`} group={group} />
            ))}
          </div>
        </>
      )}
    </Section>
  );
}
