import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "../model/api";
import { suggestions, wantedAt, type Labels, type Suggestion, type Wanted } from "../model/promql";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Vocabulary } from "../types";
import "../styles/expression.css";

const words = strings.completion;
const LIST = "completions";
const NOTHING: Vocabulary = { metrics: [], functions: [], aggregations: [] };

interface Shown {
  wanted: Wanted;
  all: Suggestion[];
  active: number;
}

/** A PromQL expression, completed as one types: metrics, functions, the metric's labels and their values. */
export function Expression(props: { value: string; change: (text: string) => void }): JSX.Element {
  const { value, change } = props;
  const store = useStore();
  const box = useRef<HTMLTextAreaElement>(null);
  const vocabulary = useRef<Vocabulary | null>(null);
  const labels = useRef(new Map<string, Labels>());
  const caret = useRef<number | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);

  // Without completions one can still write; what is wrong with the API is said by the check below.
  const ask = async <T,>(question: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await question();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      return otherwise;
    }
  };
  const look = async (text: string, at: number): Promise<void> => {
    vocabulary.current ??= await ask(() => store.api.vocabulary(), null);
    const known = vocabulary.current ?? NOTHING;
    const wanted = wantedAt(text, at, (name) => known.metrics.includes(name));
    const metric = wanted !== null && wanted.kind !== "name" ? wanted.metric : "";
    if (metric !== "" && !labels.current.has(metric)) {
      labels.current.set(metric, (await ask(() => store.api.metricLabels(metric), { labels: {} })).labels);
    }
    // What was typed while the answer came is looked at by its own call.
    if (box.current?.value !== text || box.current.selectionStart !== at) return;
    const all = wanted === null ? [] : suggestions(wanted, known, labels.current.get(metric) ?? {}, words.kinds);
    setShown(wanted === null || all.length === 0 ? null : { wanted, all, active: 0 });
  };
  const take = (one: Suggestion, { wanted }: Shown): void => {
    const end = box.current?.selectionStart ?? value.length;
    caret.current = wanted.from + one.insert.length;
    change(value.slice(0, wanted.from) + one.insert + value.slice(end));
    setShown(null);
  };
  // Before the next key can come, not after the next frame.
  useLayoutEffect(() => {
    if (caret.current === null) return;
    box.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [value]);
  const press = (event: KeyboardEvent): void => {
    const field = event.currentTarget as HTMLTextAreaElement;
    if (event.key === " " && event.ctrlKey) void look(field.value, field.selectionStart);
    else if (shown === null) return;
    else if (event.key === "Escape") setShown(null);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : shown.all.length - 1;
      setShown({ ...shown, active: (shown.active + step) % shown.all.length });
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) {
      const chosen = shown.all[shown.active];
      if (chosen !== undefined) take(chosen, shown);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="expression">
      <label>
        {strings.rules.expression}
        <textarea
          ref={box}
          rows={3}
          value={value}
          spellcheck={false}
          autocomplete="off"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={shown === null ? undefined : LIST}
          aria-activedescendant={shown === null ? undefined : `${LIST}-${shown.active}`}
          onInput={(event) => {
            change(event.currentTarget.value);
            void look(event.currentTarget.value, event.currentTarget.selectionStart);
          }}
          onKeyDown={press}
          onBlur={() => setShown(null)}
        />
      </label>
      {shown !== null && (
        <ul class="completions card" id={LIST} role="listbox" aria-label={words.label}>
          {shown.all.map((one, index) => (
            <li
              key={one.text}
              id={`${LIST}-${index}`}
              role="option"
              aria-selected={index === shown.active}
              onMouseDown={(event) => {
                // The field keeps the focus, and the place.
                event.preventDefault();
                take(one, shown);
              }}
            >
              <code>{one.text}</code> <span>{one.detail}</span>
            </li>
          ))}
        </ul>
      )}
      <p class="quiet">{words.hint}</p>
    </div>
  );
}
