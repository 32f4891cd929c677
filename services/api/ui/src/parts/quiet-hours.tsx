/** Quiet hours in the form of one's preferences. */

import type { JSX } from "preact";

import { DAYS } from "../model/on-call";
import { strings } from "../strings";
import type { QuietHours } from "../types";

const words = strings.onCall;
const NEW = { days: [...DAYS], from: "22:00", to: "07:00", critical_passes: true };

function Window(props: { value: QuietHours; number: number; change: (value: QuietHours | null) => void }): JSX.Element {
  const { value, number, change } = props;
  const days = value.days ?? [...DAYS];
  const toggle = (day: (typeof DAYS)[number]): void => {
    const left = DAYS.filter((one) => (one === day) !== days.includes(one));
    // The last day stays: quiet hours on no day are none, and the button beside ends them.
    if (left.length > 0) change({ ...value, days: left });
  };
  return (
    <fieldset class="window">
      <legend>{words.window(number)}</legend>
      <div class="form-row">
        <label>
          {words.from}
          <input type="time" required value={value.from} onInput={(event) => change({ ...value, from: event.currentTarget.value })} />
        </label>
        <label>
          {words.to}
          <input type="time" required value={value.to} onInput={(event) => change({ ...value, to: event.currentTarget.value })} />
        </label>
        <label>
          {words.zone}
          <input required value={value.time_zone} onInput={(event) => change({ ...value, time_zone: event.currentTarget.value })} />
        </label>
      </div>
      <div class="choices">
        {DAYS.map((day, index) => (
          <label key={day} class="tag">
            <input type="checkbox" checked={days.includes(day)} onChange={() => toggle(day)} />
            {words.days[index]}
          </label>
        ))}
      </div>
      <div class="choices">
        <label class="tag">
          <input
            type="checkbox"
            checked={value.critical_passes ?? true}
            onChange={(event) => change({ ...value, critical_passes: event.currentTarget.checked })}
          />
          {words.passes}
        </label>
        <button type="button" class="button plain" aria-label={words.removeWindow(number)} onClick={() => change(null)}>
          {words.remove}
        </button>
      </div>
    </fieldset>
  );
}

export function QuietHoursFields(props: { value: QuietHours[]; change: (value: QuietHours[]) => void }): JSX.Element {
  const { value, change } = props;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <fieldset class="part">
      <legend>{words.quiet}</legend>
      <p class="quiet">{words.quietHelp}</p>
      {value.map((one, index) => (
        <Window
          key={index}
          value={one}
          number={index + 1}
          change={(next) => change(value.flatMap((old, at) => (at !== index ? [old] : next === null ? [] : [next])))}
        />
      ))}
      <button type="button" class="button plain" onClick={() => change([...value, { time_zone: zone, ...NEW }])}>
        {words.addWindow}
      </button>
    </fieldset>
  );
}
