import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { formatTime } from "../format";
import { ApiError } from "../model/api";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { ApiRule, DryRun, RuleBody, RulePreview } from "../types";
import { Expression } from "./expression";

const words = strings.rules;
const SETTLE = 400;
const OPERATORS = [">", ">=", "<", "<=", "==", "!="] as const;
const BLANK: RuleBody = {
  name: "",
  form: { metric: "", labels: [], op: ">", threshold: 0 },
  severity: "warning",
  category: "performance",
};

export function DryRunResult({ run }: { run: DryRun }): JSX.Element {
  return (
    <div class="preview" role="status">
      <p>
        <strong>{words.wouldHave(run.count, (run.end - run.start) / 3600)}</strong>
      </p>
      <ul>
        {run.firings
          .toReversed()
          .slice(0, 5)
          .map((one, index) => (
            <li key={index}>
              {formatTime(one.starts_at)} {Object.entries(one.labels).map(([name, value]) => `${name}=${value}`).join(" ")}
            </li>
          ))}
      </ul>
      <p class="quiet">{run.recorded ? words.recorded : words.kept}</p>
    </div>
  );
}

function Seen({ preview }: { preview: RulePreview }): JSX.Element {
  return (
    <>
      {preview.problems.map((one, index) => (
        <p key={index} class={one.severity === "error" ? "form-error" : "warned"}>
          {one.problem}. {one.mend}
        </p>
      ))}
      {preview.dry_run !== null && <DryRunResult run={preview.dry_run} />}
    </>
  );
}

function Field(props: { name: string; value: string; change: (value: string) => void; list?: string }): JSX.Element {
  const { name, value, change, list } = props;
  return (
    <label>
      {name}
      <input type="text" value={value} list={list} onInput={(event) => change(event.currentTarget.value)} />
    </label>
  );
}

function NumberField(props: { name: string; value: number | null; change: (value: number | null) => void }): JSX.Element {
  const { name, value, change } = props;
  const read = (text: string): void => change(text === "" ? null : Number(text));
  return (
    <label>
      {name}
      <input type="number" step="any" value={value ?? ""} onInput={(event) => read(event.currentTarget.value)} />
    </label>
  );
}

function Choice(props: { name: string; value: string; options: [string, string][]; change: (value: string) => void }): JSX.Element {
  const { name, value, options, change } = props;
  return (
    <label>
      {name}
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Condition({ rule, change }: { rule: RuleBody; change: (part: Partial<RuleBody>) => void }): JSX.Element {
  const form = rule.form ?? null;
  const choose = (kind: string): void =>
    change(kind === "form" ? { form: BLANK.form ?? null, expr: null } : { form: null, expr: rule.expr ?? "" });
  return (
    <>
      <Choice
        name={words.condition}
        value={form === null ? "expr" : "form"}
        options={Object.entries(words.kinds)}
        change={choose}
      />
      {form === null ? (
        <Expression value={rule.expr ?? ""} change={(expr) => change({ expr })} />
      ) : (
        <div class="form-row">
          <Field
            name={words.metric}
            value={form.metric}
            list="metrics"
            change={(metric) => change({ form: { ...form, metric: metric.trim() } })}
          />
          <Choice
            name={words.operator}
            value={form.op}
            options={OPERATORS.map((op) => [op, op])}
            change={(op) => change({ form: { ...form, op: op as (typeof OPERATORS)[number] } })}
          />
          <NumberField
            name={words.threshold}
            value={form.threshold}
            change={(threshold) => change({ form: { ...form, threshold: threshold ?? 0 } })}
          />
        </div>
      )}
    </>
  );
}

/** Makes a rule, or changes `known`; the evaluator's word on it is shown as one types. */
export function RuleForm(props: { known: ApiRule | null; metrics: string[]; done: () => void }): JSX.Element {
  const { known, metrics, done } = props;
  const store = useStore();
  const [rule, setRule] = useState<RuleBody>(known?.rule ?? BLANK);
  const [preview, setPreview] = useState<RulePreview | null>(null);
  const [error, setError] = useState("");
  const change = (part: Partial<RuleBody>): void => setRule((before) => ({ ...before, ...part }));
  const complete = rule.name !== "" && (rule.form ? rule.form.metric !== "" : (rule.expr ?? "").trim() !== "");
  useEffect(() => {
    setPreview(null);
    if (!complete) return undefined;
    let gone = false;
    const look = async (): Promise<void> => {
      try {
        const seen = await store.api.previewRule(rule, 24);
        if (!gone) setPreview(seen);
        if (!gone) setError("");
      } catch (caught) {
        if (!(caught instanceof ApiError)) throw caught;
        if (!gone) setError(caught.message);
      }
    };
    const timer = setTimeout(() => void look(), SETTLE);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [JSON.stringify(rule)]);
  const send = async (): Promise<void> => {
    try {
      if (known === null) await store.api.createRule(rule);
      else await store.api.changeRule(known.id, { ...rule, version: known.version });
      done();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
    }
  };
  const texts = [
    ["component", words.component],
    ["summary", words.summary],
    ["description", words.description],
    ["action", words.action],
  ] as const;
  return (
    <form
      class="card form"
      onSubmit={(event) => {
        event.preventDefault();
        if (complete) void send();
      }}
    >
      <h2>{known === null ? words.add : words.change(known.rule.name)}</h2>
      <datalist id="metrics">
        {metrics.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Field name={words.name} value={rule.name} change={(name) => change({ name: name.trim() })} />
      <Condition rule={rule} change={change} />
      <div class="form-row">
        <NumberField
          name={words.hold}
          value={(rule.for_seconds ?? 0) / 60}
          change={(minutes) => change({ for_seconds: (minutes ?? 0) * 60 })}
        />
        <Choice
          name={strings.list.severity}
          value={rule.severity ?? "warning"}
          options={Object.entries(strings.severity)}
          change={(value) => change({ severity: value as NonNullable<RuleBody["severity"]> })}
        />
        <Choice
          name={strings.list.category}
          value={rule.category ?? "performance"}
          options={Object.entries(strings.category)}
          change={(value) => change({ category: value as NonNullable<RuleBody["category"]> })}
        />
        <NumberField
          name={words.cooldown}
          value={rule.cooldown_seconds == null ? null : rule.cooldown_seconds / 60}
          change={(minutes) => change({ cooldown_seconds: minutes === null ? null : minutes * 60 })}
        />
        <NumberField
          name={words.cap}
          value={rule.max_alerts_per_hour ?? null}
          change={(cap) => change({ max_alerts_per_hour: cap })}
        />
        <Field
          name={words.channels}
          value={(rule.channels ?? []).join(", ")}
          change={(text) => change({ channels: text.split(/[\s,]+/).filter((one) => one !== "") })}
        />
        {texts.map(([key, name]) => (
          <Field key={key} name={name} value={rule[key] ?? ""} change={(text) => change({ [key]: text })} />
        ))}
      </div>
      {preview !== null && <Seen preview={preview} />}
      {error !== "" && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
      <div class="buttons">
        <button type="submit" class="button primary" aria-disabled={!complete}>
          {words.save}
        </button>
        <button type="button" class="button" onClick={done}>
          {strings.alerts.cancel}
        </button>
      </div>
    </form>
  );
}
