/** A schedule as weeks of shifts, with takeovers. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatShift, formatWeek, weeksOf, type Segment } from "../model/on-call";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { OnCallSchedule, Override } from "../types";
import { useAttempt, Wrong } from "./attempt";
import { together } from "./duty";
import { Warned } from "./fields";
import { TakeOver } from "./take-over";

const words = strings.onCall;
/** Hues of people, far from each other; which is whose has no meaning. */
const HUES = [265, 165, 320, 80, 215, 25];
const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;

export interface Around {
  titles: Record<string, string>;
  /** Your own contact. */
  own: string;
  known: boolean;
  names: string[];
  changed: () => void;
}

interface ShiftProps {
  segment: Segment;
  hue: number;
  text: string;
  /** Nobody has the duty, and that is meant so. */
  rest: boolean;
  open: boolean;
  choose: (() => void) | null;
}

function Shift(props: ShiftProps): JSX.Element {
  const { segment, hue, text, choose, rest } = props;
  const shared = {
    class: "shift",
    style: { left: percent(segment.left), width: percent(segment.width), "--hue": hue },
    "data-gap": segment.people.length === 0 ? (rest ? "wanted" : "") : undefined,
    "data-mine": segment.mine ? "" : undefined,
    title: `${text}, ${words.span(formatShift(segment.begin), formatShift(segment.end))}`,
  };
  const label = <span class="shift-name">{rest && segment.people.length === 0 ? "" : text}</span>;
  if (choose === null) return <div {...shared}>{label}</div>;
  return (
    <button type="button" {...shared} aria-expanded={props.open} aria-label={`${shared.title}. ${words.takeOver}`} onClick={choose}>
      {label}
    </button>
  );
}

function OverrideLine(props: { schedule: string; one: Override; around: Around }): JSX.Element {
  const { schedule, one, around } = props;
  const store = useStore();
  const [error, attempt] = useAttempt();
  const end = async (): Promise<void> => {
    if (await attempt(() => store.api.endOverride(schedule, one.id))) around.changed();
  };
  const who = one.contact === null ? words.nobody : together(around.titles, [one.contact]);
  const from = one.instead_of === null ? null : together(around.titles, [one.instead_of]);
  return (
    <li class="override">
      <div>
        <strong>{who}</strong> {from === null ? words.forAll : words.insteadOf(from)},{" "}
        {words.span(formatShift(one.starts_at), formatShift(one.ends_at))}
        {one.created_by !== "" && <span class="quiet"> · {strings.alert.by(one.created_by)}</span>}
        {one.comment !== "" && <q>{one.comment}</q>}
        {one.ignored !== "" && (
          <Warned>{words.ignored(one.ignored)}</Warned>
        )}
      </div>
      {one.removable && (
        <button type="button" class="button plain" aria-label={words.endOf(who)} onClick={() => void end()}>
          {words.end}
        </button>
      )}
      <Wrong text={error} />
    </li>
  );
}

export function Rota({ schedule, around }: { schedule: OnCallSchedule; around: Around }): JSX.Element {
  const store = useStore();
  const [chosen, setChosen] = useState<Segment | null>(null);
  const { titles, own } = around;
  const keys = [...new Set(schedule.shifts.map((shift) => shift.people.join()))].filter((key) => key !== "");
  const now = store.now.value;
  const may = store.mayAct && around.known;
  return (
    <article class="card rota" aria-label={words.schedule(schedule.name)}>
      <header class="card-head">
        <h3>{schedule.name}</h3>
        <span class="quiet">
          {schedule.time_zone} · <a href={schedule.feed}>{words.feed}</a>
        </span>
      </header>
      <div class="rota-days" aria-hidden="true">
        {words.days.map((day) => (
          <span key={day}>{day}</span>
        ))}
      </div>
      {weeksOf(schedule, own, now).map((week) => (
        <div key={week.begin} class="rota-week">
          <span class="rota-date">{formatWeek(week.begin, schedule.time_zone)}</span>
          <div class="rota-strip">
            {week.segments.map((segment) => (
              <Shift
                key={segment.begin}
                segment={segment}
                hue={HUES[keys.indexOf(segment.people.join()) % HUES.length] ?? 0}
                text={together(titles, segment.people)}
                rest={schedule.gaps_wanted}
                open={chosen?.begin === segment.begin}
                choose={may && segment.end > now ? () => setChosen(chosen?.begin === segment.begin ? null : segment) : null}
              />
            ))}
            {week.now !== null && <i class="rota-now" style={{ left: percent(week.now) }} />}
          </div>
        </div>
      ))}
      {chosen !== null && (
        <TakeOver
          key={chosen.begin}
          schedule={schedule.name}
          segment={chosen}
          around={around}
          close={() => setChosen(null)}
        />
      )}
      {may && chosen === null && <p class="quiet">{words.takeOverHelp}</p>}
      {schedule.overrides.length > 0 && (
        <ul class="overrides" aria-label={words.overrides}>
          {schedule.overrides.map((one) => (
            <OverrideLine key={one.id} schedule={schedule.name} one={one} around={around} />
          ))}
        </ul>
      )}
    </article>
  );
}
