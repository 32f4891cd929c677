/** A button that sends a real message, and what became of it. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatValue } from "../format";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { TestResult } from "../types";
import { useAttempt, Wrong } from "./attempt";
import { Icon } from "./icon";

const words = strings.onCall;

export function TestMessage(props: { label: string; to: { contact?: string; receiver?: string } }): JSX.Element {
  const store = useStore();
  const [results, setResults] = useState<TestResult[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, attempt] = useAttempt();
  const send = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setResults(null);
    await attempt(async () => setResults((await store.api.sendTest(props.to)).results));
    setBusy(false);
  };
  return (
    <div class="test-message">
      <button type="button" class="button" aria-disabled={busy} onClick={() => void send()}>
        <Icon name="bell" />
        {busy ? words.sending : props.label}
      </button>
      <div role="status">
        {results?.length === 0 && <p class="warned">{words.noWay}</p>}
        <ul class="test-results">
          {results?.map((one) => (
            <li key={one.receiver + one.channel + one.recipient} class="warned">
              <Icon name={one.ok ? "ok" : "critical"} tone={one.ok ? "ok" : "critical"} />
              <span>
                <strong>{words.channel(one.channel)}</strong> {one.recipient}:{" "}
                {one.ok ? words.delivered(formatValue(one.seconds, "seconds")) : words.failed} {one.answer !== "" && <code>{one.answer}</code>}
              </span>
            </li>
          ))}
        </ul>
      </div>
      <Wrong text={error} />
    </div>
  );
}
