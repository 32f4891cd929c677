/** What a person does on an alert's own page, and what stands beside its story. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { ApiError } from "../model/api";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Alert, AlertDetail, Verdict } from "../types";
import { AlertRow } from "./alert-row";
import { SeriesCharts } from "./series-chart";
import { Failure, Section } from "./states";

const words = strings.alert;
const VERDICTS: Verdict[] = ["true_alarm", "false_alarm", "noise"];
const EARLIER = 6;

/** Runs what a button asks for and keeps why it failed. */
function useTry(): [string, (work: () => Promise<unknown>) => Promise<void>] {
  const [error, setError] = useState("");
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
      setError("");
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
    }
  };
  return [error, attempt];
}

const Wrong = ({ text }: { text: string }): JSX.Element | null =>
  text === "" ? null : (
    <p class="form-error" role="alert">
      {text}
    </p>
  );

export function GiveBack({ alert, onDone }: { alert: Alert; onDone: () => void }): JSX.Element | null {
  const store = useStore();
  const [error, attempt] = useTry();
  if (!store.mayAct || alert.acknowledged === null) return null;
  const send = async (): Promise<void> => {
    await store.unacknowledge(alert.id);
    onDone();
  };
  return (
    <>
      <button type="button" class="button plain" onClick={() => void attempt(send)}>
        {words.unacknowledge}
      </button>
      <Wrong text={error} />
    </>
  );
}

export function Useful({ alert, reload }: { alert: AlertDetail; reload: () => void }): JSX.Element | null {
  const store = useStore();
  const [error, attempt] = useTry();
  if (alert.status !== "resolved") return null;
  const said = alert.verdict;
  const judge = async (verdict: Verdict): Promise<void> => {
    await store.api.judge(alert.id, verdict);
    reload();
  };
  return (
    <div class="verdict">
      <span>{said === null ? words.useful : words.judged(words.verdicts[said.verdict] ?? said.verdict, said.by)}</span>
      {store.mayAct &&
        VERDICTS.map((verdict) => (
          <button
            key={verdict}
            type="button"
            class="button"
            aria-pressed={said?.verdict === verdict}
            onClick={() => void attempt(() => judge(verdict))}
          >
            {words.verdicts[verdict]}
          </button>
        ))}
      <Wrong text={error} />
    </div>
  );
}

export function Comment({ id, reload }: { id: string; reload: () => void }): JSX.Element | null {
  const store = useStore();
  const [text, setText] = useState("");
  const [error, attempt] = useTry();
  if (!store.mayAct) return null;
  const send = async (): Promise<void> => {
    await store.api.comment(id, text.trim());
    setText("");
    reload();
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") void attempt(send);
      }}
    >
      <label>
        {words.commentLabel}
        <textarea rows={2} value={text} maxLength={2000} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <div class="buttons">
        <button type="submit" class="button" aria-disabled={text.trim() === ""}>
          {words.comment}
        </button>
      </div>
      <Wrong text={error} />
    </form>
  );
}

/** What the rule compares, around the breach; nothing where the rule compares nothing. */
export function Breach({ alert }: { alert: AlertDetail }): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useResource(() => store.api.chart(alert.id), [alert.id, alert.status]);
  const known = store.state.value?.metrics.panels.find((panel) => panel.thresholds.some((one) => one.rule === alert.name));
  return (
    <Section id="chart" title={words.values} stale={store.stale.value}>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && (
        // Keeps the chart's place, so that what stands below does not jump when it comes.
        <div class="card chart-card" aria-hidden="true">
          <code>{alert.rule.expr}</code>
          <div class="chart" />
        </div>
      )}
      {data !== null && (
        <SeriesCharts
          id={alert.id}
          chart={data}
          title={words.about(data.expr)}
          none={words.noValues}
          {...(known === undefined ? {} : { unit: known.unit })}
        />
      )}
    </Section>
  );
}

/** Others that fire in the same component or group, and earlier episodes of the same labels. */
export function Related({ alert }: { alert: AlertDetail }): JSX.Element {
  const store = useStore();
  const { data } = useResource(
    () => store.api.history(EARLIER, null, { fingerprint: alert.fingerprint }),
    [alert.fingerprint, alert.status],
  );
  const near = (store.state.value?.alerts ?? []).filter(
    (other) =>
      other.id !== alert.id &&
      ((alert.component !== "" && other.component === alert.component) || other.rule.group === alert.rule.group),
  );
  const earlier = data?.alerts.filter((one) => one.id !== alert.id) ?? [];
  const rows = (alerts: Alert[]): JSX.Element => (
    <ul class="card lines">
      {alerts.slice(0, EARLIER).map((one) => (
        <li key={one.id}>
          <AlertRow alert={one} />
        </li>
      ))}
    </ul>
  );
  return (
    <>
      <Section id="related" title={words.related} count={near.length}>
        {near.length === 0 ? <p class="quiet">{words.noRelated}</p> : rows(near)}
      </Section>
      {earlier.length > 0 && (
        <Section id="earlier" title={words.earlier}>
          {rows(earlier)}
        </Section>
      )}
    </>
  );
}
