/** Heartbeat checks: how the jobs stand, and the making, changing and ending of checks. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatDuration, formatTime } from "../format";
import { ApiError } from "../model/api";
import { useRefreshed } from "../model/refresh";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Tone } from "../tones";
import type { Check, NewCheck } from "../types";
import { CheckForm } from "./check-form";
import { Badge } from "./icon";
import { Empty, Failure, Loading, Section } from "./states";
import { Age } from "./time";

const words = strings.checks;
const REFRESH = 5_000;
const SHOWN = 10;
const TONES: Record<Check["state"], Tone> = {
  new: "unknown",
  up: "ok",
  late: "warning",
  down: "critical",
  started: "info",
};

function Reports({ id }: { id: number }): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useResource(() => store.api.check(id), [id]);
  if (data === null) return error === null ? <Loading /> : <Failure error={error} retry={reload} />;
  if (data.pings.length === 0) return <p class="quiet">{words.noReports}</p>;
  return (
    <ul class="reports">
      {data.pings.slice(0, SHOWN).map((ping) => (
        <li key={`${ping.at}${ping.kind}`}>
          <strong>{words.kinds[ping.kind]}</strong> {formatTime(ping.at)}
          {ping.seconds !== null && ` · ${words.took(formatDuration(ping.seconds))}`}
          {ping.log !== "" && (
            <pre class="log" tabIndex={0}>
              {ping.log}
            </pre>
          )}
        </li>
      ))}
    </ul>
  );
}

/** The address, which is shown this once. */
function Address({ made }: { made: NewCheck }): JSX.Element {
  return (
    <div class="preview" role="status">
      <p>{words.address(made.name)}</p>
      <pre class="log" tabIndex={0}>
        {`curl -fsS -m 10 --retry 3 ${made.ping_url}`}
      </pre>
      <p class="quiet">{words.suffixes}</p>
    </div>
  );
}

interface CardProps {
  check: Check;
  onEdit: () => void;
  onMade: (made: NewCheck) => void;
  onGone: () => void;
}

function Card({ check, onEdit, onMade, onGone }: CardProps): JSX.Element {
  const store = useStore();
  const [open, setOpen] = useState(false);
  const [sure, setSure] = useState(false);
  const [error, setError] = useState("");
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
    }
  };
  const remove = async (): Promise<void> => {
    await store.api.deleteCheck(check.id);
    onGone();
  };
  const renew = async (): Promise<void> => onMade(await store.api.renewCheckKey(check.id));
  const plan =
    check.period_seconds === null
      ? words.bySchedule(check.schedule ?? "", check.timezone)
      : words.every(formatDuration(check.period_seconds));
  return (
    <article class="card check" aria-label={check.name} data-state={check.state}>
      <div class="card-head">
        <h3>{check.name}</h3>
        <Badge tone={TONES[check.state]} text={words.states[check.state]} />
      </div>
      {check.description !== "" && <p>{check.description}</p>}
      {check.reason !== "" && <p>{words.reasons[check.reason]}</p>}
      <p class="quiet">
        {plan} · {words.grace(formatDuration(check.grace_seconds))} · {words.lastSuccess}{" "}
        <Age at={check.last_success_at} />
        {check.due_at !== null && ` · ${words.due(formatTime(check.due_at))}`}
        {check.last_seconds !== null && ` · ${words.took(formatDuration(check.last_seconds))}`}
      </p>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{words.reports}</summary>
        {open && <Reports id={check.id} key={check.last_ping_at} />}
      </details>
      {store.mayAct && (
        <div class="buttons">
          <button type="button" class="button" onClick={onEdit}>
            {words.edit}
          </button>
          <button type="button" class="button" onClick={() => void attempt(renew)}>
            {words.renew}
          </button>
          <button type="button" class="button" onClick={() => (sure ? void attempt(remove) : setSure(true))}>
            {sure ? words.sure : words.remove}
          </button>
        </div>
      )}
      {error !== "" && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
    </article>
  );
}

export function Checks(): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useRefreshed(() => store.api.checks(), [], REFRESH);
  const [editing, setEditing] = useState<Check | "new" | null>(null);
  const [made, setMade] = useState<NewCheck | null>(null);
  const saved = (created: NewCheck | null): void => {
    setEditing(null);
    setMade(created);
    reload();
  };
  return (
    <Section id="checks" title={words.title} count={data?.checks.length ?? 0}>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {store.mayAct && editing === null && (
        <p class="check-add">
          <button type="button" class="button primary" onClick={() => setEditing("new")}>
            {words.add}
          </button>
        </p>
      )}
      {editing !== null && (
        <CheckForm check={editing === "new" ? null : editing} onSaved={saved} onCancel={() => setEditing(null)} />
      )}
      {made !== null && <Address made={made} />}
      {data?.checks.length === 0 && <Empty icon="check" title={words.none} help={words.noneHelp} />}
      <div class="cards">
        {data?.checks.map((check) => (
          <Card key={check.id} check={check} onEdit={() => setEditing(check)} onMade={setMade} onGone={reload} />
        ))}
      </div>
    </Section>
  );
}
