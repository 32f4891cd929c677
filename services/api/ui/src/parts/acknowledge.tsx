import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { formatMinute } from "../format";
import { ApiError } from "../model/api";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Alert } from "../types";
import { Icon } from "./icon";
import { Age } from "./time";

const words = strings.alerts;
const COMMENT_LIMIT = 1000;

export function Acknowledged({ alert }: { alert: Alert }): JSX.Element | null {
  const done = alert.acknowledged;
  if (done === null) return null;
  return (
    <p class="acknowledged">
      <Icon name="check" />
      <span>
        {words.acknowledgedBy} <strong>{done.by}</strong> <Age at={done.at} />
        {done.until !== null && <span>, {words.untilNote(formatMinute(done.until))}</span>}
        {done.comment !== "" && <q>{done.comment}</q>}
      </span>
    </p>
  );
}

/** One press acknowledges; a comment, or a time after which it counts no more, is one press more. The data attributes are where the keyboard shortcuts press. */
export function Acknowledge({ alert, onDone }: { alert: Alert; onDone?: () => void }): JSX.Element | null {
  const store = useStore();
  const [comment, setComment] = useState<string | null>(null);
  const [expiresIn, setExpiresIn] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const commenting = comment !== null;
  // Before the next key: what is typed must not be taken for shortcuts.
  useLayoutEffect(() => field.current?.focus(), [commenting]);
  if (alert.acknowledged !== null) return <Acknowledged alert={alert} />;
  if (alert.status !== "firing") return null;
  if (!store.mayAct) return <p class="quiet">{words.viewerHelp}</p>;

  const send = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await store.acknowledge(alert.id, (comment ?? "").trim(), commenting ? expiresIn : null);
      setComment(null);
      onDone?.();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!busy) void send();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") setComment(null);
  };
  return (
    <form class="acknowledge" onSubmit={onSubmit} onKeyDown={onKeyDown}>
      {commenting && (
        <label class="comment">
          <span class="comment-label">{words.commentLabel}</span>
          <input
            ref={field}
            type="text"
            value={comment}
            maxLength={COMMENT_LIMIT}
            placeholder={words.commentHint}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
        </label>
      )}
      {commenting && (
        <label class="until">
          <span class="comment-label">{words.untilLabel}</span>
          <select
            value={expiresIn ?? ""}
            onChange={(event) => setExpiresIn(Number(event.currentTarget.value) || null)}
          >
            <option value="">{words.untilResolved}</option>
            {Object.entries(words.untilChoices).map(([seconds, text]) => (
              <option key={seconds} value={seconds}>
                {text}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="buttons">
        <button type="submit" class="button primary" aria-disabled={busy} data-acknowledge>
          {busy ? words.acknowledging : words.acknowledge}
        </button>
        {commenting ? (
          <button type="button" class="button" onClick={() => setComment(null)}>
            {words.cancel}
          </button>
        ) : (
          <button type="button" class="button plain" onClick={() => setComment("")} data-comment>
            <Icon name="comment" />
            {words.withComment}
          </button>
        )}
      </div>
      {error !== null && (
        <p class="form-error" role="alert">
          {error.message}
          {error.mend !== "" && ` ${error.mend}`}
        </p>
      )}
    </form>
  );
}
