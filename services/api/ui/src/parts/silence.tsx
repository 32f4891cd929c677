import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "../model/api";
import { matchersOf, parseMatchers } from "../model/matchers";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Alert, Preview } from "../types";
import { Icon } from "./icon";

const words = strings.silence;
const HOUR = 3600;
const SETTLE = 250;

/** Opens the dialog; there one press more silences. The data attribute is where the keyboard shortcut presses. */
export function SilenceButton({ alert, short }: { alert: Alert; short?: boolean }): JSX.Element | null {
  const store = useStore();
  if (!store.mayAct || alert.status !== "firing") return null;
  const open = (): void => {
    store.silencing.value = matchersOf(alert);
  };
  return short ? (
    <button type="button" class="icon-button" aria-label={words.open} title={words.open} onClick={open} data-silence>
      <Icon name="mute" />
    </button>
  ) : (
    <button type="button" class="button plain" onClick={open} data-silence>
      <Icon name="mute" />
      {words.open}
    </button>
  );
}

function Hidden({ preview }: { preview: Preview }): JSX.Element {
  return (
    <div class="preview" role="status">
      <p>
        <strong>{words.hides(preview.count)}</strong>
        {preview.last_day !== null && ` ${words.lastDay(preview.last_day)}`}
      </p>
      {preview.alerts.length > 0 && (
        <ul>
          {preview.alerts.slice(0, 5).map((alert) => (
            <li key={alert.id}>{alert.summary}</li>
          ))}
          {preview.count > 5 && <li>{words.more(preview.count - 5)}</li>}
        </ul>
      )}
      {preview.warnings.map((warning) => (
        <p key={warning.kind} class="warned">
          <Icon name="warning" tone="warning" />
          {warning.text}
        </p>
      ))}
    </div>
  );
}

function Form({ text: initial, close }: { text: string; close: () => void }): JSX.Element {
  const store = useStore();
  const [text, setText] = useState(initial);
  const [seconds, setSeconds] = useState(HOUR);
  const [comment, setComment] = useState("");
  const [preview, setPreview] = useState<Preview | null>(null);
  const [error, setError] = useState<string>("");
  const { matchers, wrong } = parseMatchers(text);
  const usable = matchers.length > 0 && wrong.length === 0;
  useEffect(() => {
    let gone = false;
    setPreview(null);
    setError(wrong.length > 0 ? words.wrong(wrong) : "");
    if (!usable) return undefined;
    const look = async (): Promise<void> => {
      try {
        const found = await store.api.previewSilence(matchers, seconds);
        if (!gone) setPreview(found);
      } catch (caught) {
        if (!(caught instanceof ApiError)) throw caught;
        if (!gone) setError(caught.message);
      }
    };
    const timer = setTimeout(() => void look(), text === initial ? 0 : SETTLE);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [text, seconds]);
  const broad = preview?.warnings.some((warning) => warning.broad) ?? false;
  const send = async (): Promise<void> => {
    try {
      const made = await store.api.silence(matchers, seconds, comment.trim(), broad);
      store.notice.value = made.confirmed ? "" : words.unconfirmed;
      store.silencesVersion.value += 1;
      close();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
    }
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (usable && preview !== null) void send();
      }}
    >
      <label>
        {words.matchers}
        <textarea
          rows={Math.min(8, Math.max(2, text.split("\n").length))}
          value={text}
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <div class="form-row">
        <label>
          {words.duration}
          <select value={String(seconds)} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
            {words.durations.map(([value, name]) => (
              <option key={value} value={String(value)}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.comment}
          <input type="text" value={comment} maxLength={1000} onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
      </div>
      {preview !== null && <Hidden preview={preview} />}
      {error !== "" && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
      <div class="buttons">
        <button type="submit" class="button primary" aria-disabled={!usable || preview === null} autofocus>
          {broad ? words.confirm : words.submit}
        </button>
        <button type="button" class="button" onClick={close}>
          {strings.alerts.cancel}
        </button>
      </div>
    </form>
  );
}

/** One dialog for the whole page; `store.silencing` holds the matchers that it opens with. */
export function SilenceDialog(): JSX.Element {
  const store = useStore();
  const dialog = useRef<HTMLDialogElement>(null);
  const text = store.silencing.value;
  useEffect(() => {
    if (text !== null) dialog.current?.showModal();
    else dialog.current?.close();
  }, [text]);
  const close = (): void => {
    store.silencing.value = null;
  };
  return (
    <dialog ref={dialog} class="dialog broad" aria-labelledby="silence-title" onClose={close}>
      <h2 id="silence-title">{words.title}</h2>
      {text !== null && <Form text={text} close={close} />}
    </dialog>
  );
}
