import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

import { formatClock } from "../format";
import { ApiError } from "../model/api";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Tone } from "../tones";
import type { DryRun, Rule } from "../types";
import { Badge } from "./icon";
import { DryRunResult } from "./rule-form";
import { SeriesCharts } from "./series-chart";
import { Failure } from "./states";

const words = strings.rules;
const TONES: Record<string, Tone> = { firing: "critical", pending: "warning", inactive: "ok", recording: "ok" };
const LAST = 20;

interface Evaluation {
  at: number;
  seconds: number;
  samples: number;
  series: number;
  error: string | null;
}

interface Missing {
  selector: string;
  problem: string;
}

function Evaluations({ rule }: { rule: Rule }): JSX.Element {
  const all = (rule.tocsin?.["evaluations"] ?? []) as Evaluation[];
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={words.evaluations}>
      <table>
        <caption>{words.evaluations}</caption>
        <thead>
          <tr>
            {words.columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {all.slice(-LAST).toReversed().map((one) => (
            <tr key={one.at}>
              <td>{formatClock(one.at)}</td>
              <td>{one.samples}</td>
              <td>{one.series}</td>
              <td>{one.error ?? words.milliseconds(one.seconds * 1000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Missed({ rule }: { rule: Rule }): JSX.Element {
  const missing = (rule.tocsin?.["no_series"] ?? []) as Missing[];
  return (
    <>
      {missing.map((one) => (
        <p key={one.selector} class="warned">
          {words.noSeries(one.selector)} {one.problem}
        </p>
      ))}
    </>
  );
}

/** Why a rule does or does not fire: its value beside the limit, what it looked at, what it lacks. */
function Why({ rule }: { rule: Rule }): JSX.Element {
  const store = useStore();
  const id = rule.id ?? "";
  const { data, error, reload } = useResource(() => store.api.ruleChart(id), [id]);
  const [run, setRun] = useState<DryRun | null>(null);
  const [wrong, setWrong] = useState("");
  const test = async (hours: number): Promise<void> => {
    try {
      setRun(await store.api.testRule(id, hours));
      setWrong("");
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setWrong(`${caught.message} ${caught.mend}`);
    }
  };
  return (
    <div class="why">
      <Missed rule={rule} />
      {error !== null && <Failure error={error} retry={reload} />}
      {data !== null && <SeriesCharts id={id} chart={data} title={rule.name} none={words.noValues} />}
      <Evaluations rule={rule} />
      <div class="buttons">
        {words.spans.map(([hours, name]) => (
          <button key={hours} type="button" class="button" onClick={() => void test(hours)}>
            {name}
          </button>
        ))}
      </div>
      {run !== null && <DryRunResult run={run} />}
      {wrong !== "" && (
        <p class="form-error" role="alert">
          {wrong}
        </p>
      )}
    </div>
  );
}

/** One rule; what costs a request is asked for when it is opened. A recording rule's values are on the page Trends. */
export function RuleItem({ rule, children }: { rule: Rule; children?: ComponentChildren }): JSX.Element {
  const [open, setOpen] = useState(false);
  const records = rule.type === "recording";
  const state = rule.health === "err" ? "error" : records ? "recording" : String(rule["state"] ?? "inactive");
  return (
    <details class="card rule" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Badge tone={TONES[state] ?? "unknown"} text={words.states[state] ?? state} />
        <strong>{rule.name}</strong>
        <code>{rule.query}</code>
      </summary>
      {open && (
        <>
          {rule["lastError"] !== undefined && <p class="form-error">{String(rule["lastError"])}</p>}
          {children}
          {records ? (
            <div class="why">
              <Missed rule={rule} />
              <Evaluations rule={rule} />
            </div>
          ) : (
            <Why rule={rule} />
          )}
        </>
      )}
    </details>
  );
}
