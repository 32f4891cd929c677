import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatDuration } from "../format";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Task, TaskBody } from "../types";
import { useAttempt, Wrong } from "./attempt";

const words = strings.checklist;
const CADENCES = ["daily", "weekly", "monthly", "cron"] as const;
const SOURCES = ["manual", "check", "beat"] as const;
const GRACES = [3600, 43_200, 86_400, 172_800, 259_200, 604_800, 1_209_600];

interface Choice<T extends string | number> {
  label: string;
  value: T;
  options: readonly T[];
  text: (option: T) => string;
  set: (option: T) => void;
}

function Choose<T extends string | number>({ label, value, options, text, set }: Choice<T>): JSX.Element {
  const shown = options.includes(value) ? options : [...options, value];
  return (
    <label>
      {label}
      <select value={String(value)} onChange={(event) => set(shown[event.currentTarget.selectedIndex] ?? value)}>
        {shown.map((option) => (
          <option key={option} value={String(option)}>
            {text(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

interface Props {
  task: Task | null;
  onSaved: () => void;
  onCancel: () => void;
}

export function TaskForm({ task, onSaved, onCancel }: Props): JSX.Element {
  const store = useStore();
  const { data: jobs } = useResource(() => store.api.checks(), []);
  const [name, setName] = useState(task?.name ?? "");
  const [description, setDescription] = useState(task?.description ?? "");
  const [cadence, setCadence] = useState<Task["cadence"]>(task?.cadence ?? "weekly");
  const [cron, setCron] = useState(task?.schedule ?? "0 9 * * 2");
  const [zone, setZone] = useState(task?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [grace, setGrace] = useState(task?.grace_seconds ?? 86_400);
  const [source, setSource] = useState<Task["source"]>(task?.source ?? "manual");
  const [check, setCheck] = useState(task?.check_id ?? 0);
  const [beat, setBeat] = useState(task?.beat_task ?? "");
  const [error, attempt] = useAttempt();
  const known = jobs?.checks ?? [];
  const chosen = check === 0 ? (known[0]?.id ?? 0) : check;
  const save = async (): Promise<void> => {
    const body: TaskBody = {
      name: name.trim(),
      description: description.trim(),
      cadence,
      schedule: cadence === "cron" ? cron : null,
      timezone: zone,
      grace_seconds: grace,
      check_id: source === "check" ? chosen : null,
      beat_task: source === "beat" ? beat.trim() : null,
    };
    if (await attempt(() => store.api.saveTask(task?.id ?? null, body))) onSaved();
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
      aria-label={task === null ? words.add : words.change(task.name)}
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
        <Choose label={words.cadence} value={cadence} options={CADENCES} text={(one) => words.cadences[one]} set={setCadence} />
        {cadence === "cron" && field(strings.checks.schedule, cron, setCron, true)}
        {field(words.zone, zone, setZone, true)}
        <Choose label={words.grace} value={grace} options={GRACES} text={(one) => words.after(formatDuration(one))} set={setGrace} />
      </div>
      <div class="form-row">
        <Choose label={words.source} value={source} options={SOURCES} text={(one) => words.sources[one]} set={setSource} />
        {source === "check" && (
          <Choose
            label={words.check}
            value={chosen}
            options={known.map((one) => one.id)}
            text={(id) => known.find((one) => one.id === id)?.name ?? "–"}
            set={setCheck}
          />
        )}
        {source === "beat" && field(words.beat, beat, setBeat, true)}
      </div>
      <Wrong text={error} />
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
