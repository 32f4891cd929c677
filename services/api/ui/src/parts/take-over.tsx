/** Takes a shift over: opened by a click on it, agreed by a second. */

import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { fromField, toField, type Segment } from "../model/on-call";
import { useStore } from "../model/store";
import { strings } from "../strings";
import { useAttempt, Wrong } from "./attempt";
import { titled, together } from "./duty";
import { Choice, Field } from "./fields";
import type { Around } from "./rota";

const words = strings.onCall;

interface Props {
  schedule: string;
  segment: Segment;
  around: Around;
  close: () => void;
}

export function TakeOver({ schedule, segment, around, close }: Props): JSX.Element {
  const store = useStore();
  const session = store.session.value;
  const admin = session.phase === "in" && session.user.role === "admin";
  const others = around.names.filter((name) => !segment.people.includes(name));
  const [who, setWho] = useState(segment.mine ? (others[0] ?? "") : around.own);
  // The field has whole minutes: a duty that runs is taken over at once, not at the next minute.
  const [from, setFrom] = useState(toField(Math.max(segment.begin, store.now.value)));
  const [to, setTo] = useState(toField(segment.end));
  const [comment, setComment] = useState("");
  const [error, attempt] = useAttempt();
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current?.focus(), []);
  if (segment.mine && !admin) return <p class="notice">{words.yours}</p>;
  const send = async (): Promise<void> => {
    const starts = fromField(from);
    const ends = fromField(to);
    if (starts === null || ends === null) return;
    const body = {
      contact: who === around.own ? null : who,
      // Where several have the duty, they all are relieved.
      instead_of: segment.people.length === 1 ? (segment.people[0] ?? null) : null,
      starts_at: starts,
      ends_at: ends,
      comment,
    };
    if (!(await attempt(() => store.api.takeOver(schedule, body)))) return;
    close();
    around.changed();
  };
  return (
    <form
      class="take-over"
      aria-label={words.takeOver}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <p>
        <strong>{words.takeOverFrom(together(around.titles, segment.people))}</strong>
      </p>
      <div class="form-row">
        {admin && (
          <Choice
            label={words.who}
            value={who}
            options={around.names.map((name) => [name, titled(around.titles, name), segment.people.join() === name])}
            set={setWho}
          />
        )}
        <Field label={words.from} type="datetime-local" required value={from} set={setFrom} />
        <Field label={words.to} type="datetime-local" required value={to} set={setTo} />
        <Field label={words.comment} value={comment} maxLength={2000} set={setComment} />
      </div>
      <div class="buttons">
        <button ref={button} type="submit" class="button primary">
          {who === around.own ? words.takeOver : words.handOver(titled(around.titles, who))}
        </button>
        <button type="button" class="button" onClick={close}>
          {strings.alerts.cancel}
        </button>
      </div>
      <Wrong text={error} />
    </form>
  );
}
