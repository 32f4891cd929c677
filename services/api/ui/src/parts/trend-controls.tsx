import type { JSX } from "preact";

import { chosenView, MOST_METRICS, panned, PERIODS, VIEWS, zoomed, type RecordedMetric, type View } from "../model/trends";
import { useStore } from "../model/store";
import { strings } from "../strings";

const words = strings.trends;
type Change = (view: View) => void;

function Periods({ view, onChange }: { view: View; onChange: Change }): JSX.Element {
  const still = view.from !== null;
  return (
    <div class="button-row" role="group" aria-label={words.period}>
      {PERIODS.map((period) => (
        <button
          key={period}
          type="button"
          class="button"
          aria-pressed={!still && view.period === period}
          onClick={() => onChange({ ...view, period, from: null, to: null })}
        >
          {words.periods[period]}
        </button>
      ))}
    </div>
  );
}

/** Zoom and pan without a mouse. */
function Moves({ view, onChange }: { view: View; onChange: Change }): JSX.Element {
  const { now } = useStore();
  const moves: [string, () => View][] = [
    [words.earlier, () => panned(view, -1, now.value)],
    [words.later, () => panned(view, 1, now.value)],
    [words.zoomIn, () => zoomed(view, 0.5, now.value)],
    [words.zoomOut, () => zoomed(view, 2, now.value)],
  ];
  return (
    <div class="button-row" role="group" aria-label={words.move}>
      {moves.map(([name, move]) => (
        <button key={name} type="button" class="button" onClick={() => onChange(move())}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Picked(props: { view: View; shown: RecordedMetric[]; all: RecordedMetric[]; onChange: Change }): JSX.Element {
  const { view, shown, all, onChange } = props;
  const store = useStore();
  const left = all.filter((metric) => !shown.includes(metric));
  const groups = new Map<string, RecordedMetric[]>();
  for (const metric of left) groups.set(metric.component, [...(groups.get(metric.component) ?? []), metric]);
  const pick = (keys: string[]): void => onChange({ ...view, metrics: keys });
  return (
    <div class="trend-picked">
      <ul aria-label={words.picked}>
        {shown.map((metric) => (
          <li key={metric.key} class="chip">
            {metric.title}
            {shown.length > 1 && (
              <button
                type="button"
                class="chip-remove"
                aria-label={words.remove(metric.title)}
                onClick={() => pick(shown.filter((one) => one !== metric).map((one) => one.key))}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      {shown.length < MOST_METRICS && left.length > 0 && (
        <select
          aria-label={words.add}
          value=""
          onChange={(event) => pick([...shown.map((one) => one.key), event.currentTarget.value])}
        >
          <option value="">{words.add}</option>
          {[...groups].map(([component, metrics]) => (
            <optgroup key={component} label={component === "" ? words.others : store.componentTitle(component)}>
              {metrics.map((metric) => (
                <option key={metric.key} value={metric.key}>
                  {metric.title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      )}
    </div>
  );
}

function Views({ view, all, onChange }: { view: View; all: RecordedMetric[]; onChange: Change }): JSX.Element {
  const found = Object.keys(VIEWS).map((name) => [name, chosenView(view, name, all)] as const);
  return (
    <div class="trend-views" role="group" aria-label={words.views}>
      {found.map(([name, chosen]) =>
        chosen === null ? null : (
          <button
            key={name}
            type="button"
            class="button"
            aria-pressed={chosen.metrics.join() === view.metrics.join()}
            onClick={() => onChange(chosen)}
          >
            {words.viewNames[name]}
          </button>
        ),
      )}
    </div>
  );
}

/** What is shown: metrics, time, comparison; and the way to a file of it. */
export function TrendControls(props: {
  view: View;
  shown: RecordedMetric[];
  all: RecordedMetric[];
  csv: string;
  onChange: Change;
}): JSX.Element {
  const { view, onChange, csv } = props;
  return (
    <div class="trend-controls">
      <Views view={view} all={props.all} onChange={onChange} />
      <Picked {...props} />
      <Periods view={view} onChange={onChange} />
      <Moves view={view} onChange={onChange} />
      <label class="check">
        <input
          type="checkbox"
          checked={view.compare}
          onChange={(event) => onChange({ ...view, compare: event.currentTarget.checked })}
        />
        {words.compare}
      </label>
      <a class="button" href={csv} download>
        {words.csv}
      </a>
    </div>
  );
}
