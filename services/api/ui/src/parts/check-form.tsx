import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatDuration } from "../format";
import { ApiError } from "../model/api";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Check, CheckBody, NewCheck } from "../types";

const words = strings.checks;
const PERIODS = [300, 900, 3600, 21_600, 43_200, 86_400, 604_800];
const GRACES = [60, 300, 600, 1800, 3600, 21_600, 86_400];
const CRON = "cron";

/** The usual lengths, and the one that is set already. */
function Lengths({ lengths, now }: { lengths: number[]; now: number | null }): JSX.Element {
  const shown = now === null || lengths.includes(now) ? lengths : [...lengths, now].toSorted((a, b) => a - b);
  return (
    <>
      {shown.map((length) => (
        <option key={length} value={String(length)}>
          {formatDuration(length)}
        </option>
      ))}
    </>
  );
}

interface Props {
  check: Check | null;
  onSaved: (made: NewCheck | null) => void;
  onCancel: () => void;
}

export function CheckForm({ check, onSaved, onCancel }: Props): JSX.Element {
  const store = useStore();
  const [name, setName] = useState(check?.name ?? "");
  const [description, setDescription] = useState(check?.description ?? "");
  const [period, setPeriod] = useState(check?.schedule ? CRON : String(check?.period_seconds ?? 86_400));
  const [cron, setCron] = useState(check?.schedule ?? "0 3 * * *");
  const [zone, setZone] = useState(check?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [grace, setGrace] = useState(check?.grace_seconds ?? 3600);
  const [error, setError] = useState("");
  const save = async (): Promise<void> => {
    const byCron = period === CRON;
    const body: CheckBody = {
      name: name.trim(),
      description: description.trim(),
      period_seconds: byCron ? null : Number(period),
      schedule: byCron ? cron : null,
      timezone: zone,
      grace_seconds: grace,
    };
    try {
      if (check === null) onSaved(await store.api.createCheck(body));
      else {
        await store.api.changeCheck(check.id, body);
        onSaved(null);
      }
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
    }
  };
  const field = (label: string, value: string, set: (value: string) => void, required = false): JSX.Element => (
    <label>
      {label}
      <input type="text" value={value} required={required} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
  return (
    <form
      class="card form"
      aria-label={check === null ? words.add : words.change(check.name)}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div class="form-row">
        {field(words.name, name, setName, true)}
        {field(words.description, description, setDescription)}
      </div>
      <div class="form-row">
        <label>
          {words.period}
          <select value={period} onChange={(event) => setPeriod(event.currentTarget.value)}>
            <Lengths lengths={PERIODS} now={check?.period_seconds ?? null} />
            <option value={CRON}>{words.cron}</option>
          </select>
        </label>
        {period === CRON && field(words.schedule, cron, setCron, true)}
        {period === CRON && field(words.timezone, zone, setZone, true)}
        <label>
          {words.graceLabel}
          <select value={String(grace)} onChange={(event) => setGrace(Number(event.currentTarget.value))}>
            <Lengths lengths={GRACES} now={grace} />
          </select>
        </label>
      </div>
      {error !== "" && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
      <div class="buttons">
        <button type="submit" class="button primary">
          {words.save}
        </button>
        <button type="button" class="button" onClick={onCancel}>
          {strings.alerts.cancel}
        </button>
      </div>
    </form>
  );
}
