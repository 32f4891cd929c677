/** Quiet hours in the form of one's preferences. */

import type { JSX } from "preact";

import { DAYS } from "../model/on-call";
import { strings } from "../strings";
import type { QuietHours } from "../types";
import { Check, Field } from "./fields";

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
        <Field label={words.from} type="time" required value={value.from} set={(from) => change({ ...value, from })} />
        <Field label={words.to} type="time" required value={value.to} set={(to) => change({ ...value, to })} />
        <Field label={words.zone} required value={value.time_zone} set={(time_zone) => change({ ...value, time_zone })} />
      </div>
      <div class="choices">
        {DAYS.map((day, index) => (
          <Check key={day} on={days.includes(day)} set={() => toggle(day)}>
            {words.days[index]}
          </Check>
        ))}
      </div>
      <div class="choices">
        <Check on={value.critical_passes ?? true} set={(critical_passes) => change({ ...value, critical_passes })}>
          {words.passes}
        </Check>
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
