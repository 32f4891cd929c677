/** What is to be done again and again: ticking it, its history, and the making and changing of tasks. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatTime } from "../format";
import { useRefreshed } from "../model/refresh";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Tone } from "../tones";
import type { Task } from "../types";
import { useAttempt, Wrong } from "./attempt";
import { Badge } from "./icon";
import { Empty, Failure, Loading, Section } from "./states";
import { TaskForm } from "./task-form";
import { Age } from "./time";

const words = strings.checklist;
const REFRESH = 10_000;
const SHOWN = 20;
const TONES: Record<Task["state"], Tone> = { waiting: "ok", due: "info", overdue: "warning", unknown: "unknown" };
const URGENCY: Task["state"][] = ["overdue", "due", "unknown", "waiting"];

const doer = (by: string): string => (by === "" ? words.byJob : words.by(by));

function Ticks({ task, changed }: { task: Task; changed: () => void }): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useResource(() => store.api.task(task.id), [task.id, task.last_done_at]);
  const [wrong, attempt] = useAttempt();
  if (data === null) return error === null ? <Loading /> : <Failure error={error} retry={reload} />;
  if (data.ticks.length === 0) return <p class="quiet">{words.noHistory}</p>;
  const undo = async (tick: number): Promise<void> => {
    if (await attempt(() => store.api.untickTask(task.id, tick))) changed();
  };
  return (
    <>
      <ul class="reports">
        {data.ticks.slice(0, SHOWN).map((tick) => (
          <li key={tick.id}>
            {formatTime(tick.at)} {doer(tick.by)}
            {tick.note !== "" && <q>{tick.note}</q>}
            {store.mayAct && tick.by !== "" && (
              <button type="button" class="button plain" aria-label={words.undoOf(formatTime(tick.at))} onClick={() => void undo(tick.id)}>
                {words.undo}
              </button>
            )}
          </li>
        ))}
      </ul>
      <Wrong text={wrong} />
    </>
  );
}

/** A note and the button that ticks. */
function TickForm({ task, changed }: { task: Task; changed: () => void }): JSX.Element {
  const store = useStore();
  const [note, setNote] = useState("");
  const [error, attempt] = useAttempt();
  const tick = async (): Promise<void> => {
    if (!(await attempt(() => store.api.tickTask(task.id, note.trim())))) return;
    setNote("");
    changed();
  };
  return (
    <form
      class="tick"
      onSubmit={(event) => {
        event.preventDefault();
        void tick();
      }}
    >
      <input
        type="text"
        value={note}
        maxLength={2000}
        placeholder={words.note}
        aria-label={words.noteOf(task.name)}
        onInput={(event) => setNote(event.currentTarget.value)}
      />
      <button type="submit" class={task.state === "waiting" ? "button" : "button primary"}>
        {words.done}
      </button>
      <Wrong text={error} />
    </form>
  );
}

function When({ task }: { task: Task }): JSX.Element {
  return (
    <p class="quiet">
      {words.lastDone} <Age at={task.last_done_at} />
      {task.last_done_at !== null && ` ${doer(task.last_done_by)}`} ·{" "}
      {task.state === "waiting" && words.opens(formatTime(task.opens_at))}
      {task.state !== "waiting" && words.until(formatTime(task.due_at))} · {words.cadences[task.cadence]}
      {task.schedule !== null && ` ${task.schedule}`} ({task.timezone})
      {task.check_name !== null && ` · ${words.job(task.check_name)}`}
      {task.beat_task !== null && ` · ${words.beatTask(task.beat_task)}`}
    </p>
  );
}

interface CardProps {
  task: Task;
  admin: boolean;
  onEdit: () => void;
  changed: () => void;
}

function Card({ task, admin, onEdit, changed }: CardProps): JSX.Element {
  const store = useStore();
  const [open, setOpen] = useState(false);
  const [sure, setSure] = useState(false);
  const [error, attempt] = useAttempt();
  const remove = async (): Promise<void> => {
    if (!sure) setSure(true);
    else if (await attempt(() => store.api.deleteTask(task.id))) changed();
  };
  const never = task.state === "waiting" && task.last_done_at === null;
  return (
    <article class="card check" aria-label={task.name} data-state={task.state}>
      <div class="card-head">
        <h3>{task.name}</h3>
        <Badge tone={never ? "unknown" : TONES[task.state]} text={never ? words.later : words.states[task.state]} />
      </div>
      {task.description !== "" && <p>{task.description}</p>}
      {task.reason !== "" && <p>{words.reasons[task.reason]}</p>}
      {task.last_note !== "" && <q>{task.last_note}</q>}
      <When task={task} />
      {store.mayAct && task.source === "manual" && <TickForm task={task} changed={changed} />}
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{words.history}</summary>
        {open && <Ticks task={task} changed={changed} />}
      </details>
      {admin && (
        <div class="buttons">
          <button type="button" class="button" onClick={onEdit}>
            {words.edit}
          </button>
          <button type="button" class="button" onClick={() => void remove()}>
            {sure ? words.sure : words.remove}
          </button>
        </div>
      )}
      <Wrong text={error} />
    </article>
  );
}

/** Adds the usual tasks, which are named first. */
function Usual({ names, changed }: { names: string[]; changed: () => void }): JSX.Element {
  const store = useStore();
  const [error, attempt] = useAttempt();
  const add = async (): Promise<void> => {
    if (await attempt(() => store.api.addUsualTasks())) changed();
  };
  return (
    <div class="usual">
      <p class="quiet">{words.usualHelp(names)}</p>
      <button type="button" class="button" onClick={() => void add()}>
        {words.usual(names.length)}
      </button>
      <Wrong text={error} />
    </div>
  );
}

export function Checklist(): JSX.Element {
  const store = useStore();
  const session = store.session.value;
  const admin = session.phase === "in" && session.user.role === "admin";
  const { data, error, reload } = useRefreshed(() => store.api.tasks(), [], REFRESH);
  const [editing, setEditing] = useState<Task | "new" | null>(null);
  const tasks = data?.tasks.toSorted((a, b) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state) || a.due_at - b.due_at);
  const saved = (): void => {
    setEditing(null);
    reload();
  };
  return (
    <Section id="checklist" title={words.title} count={data?.tasks.length ?? 0}>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {admin && editing === null && (
        <p class="check-add">
          <button type="button" class="button primary" onClick={() => setEditing("new")}>
            {words.add}
          </button>
        </p>
      )}
      {editing !== null && (
        <TaskForm task={editing === "new" ? null : editing} onSaved={saved} onCancel={() => setEditing(null)} />
      )}
      {tasks?.length === 0 && <Empty icon="check" title={words.none} help={words.noneHelp} />}
      {admin && tasks?.length === 0 && data !== null && <Usual names={data.usual} changed={reload} />}
      <div class="cards">
        {tasks?.map((task) => (
          <Card key={task.id} task={task} admin={admin} onEdit={() => setEditing(task)} changed={reload} />
        ))}
      </div>
    </Section>
  );
}
