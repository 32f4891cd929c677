/** "Run full audit": starts the configured command, and shows how the last run ended. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useRefreshed } from "../model/refresh";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { AuditRun } from "../types";
import { useAttempt, Wrong } from "./attempt";
import { Age } from "./time";

const words = strings.quality;
const REFRESH = 3_000;

function Last({ run }: { run: AuditRun }): JSX.Element {
  return (
    <div role="status">
      <p>
        {words.results[run.result]} <Age at={run.finished_at ?? run.started_at} /> ({run.started_by})
      </p>
      {run.detail !== "" && <p>{run.detail}</p>}
      {run.output !== "" && (
        <details>
          <summary>{words.output}</summary>
          <pre class="log" tabIndex={0}>
            {run.output}
          </pre>
        </details>
      )}
    </div>
  );
}

export function RunAudit({ done }: { done: () => void }): JSX.Element {
  const store = useStore();
  const { data, reload } = useRefreshed(() => store.api.auditRun(), [], REFRESH);
  const [error, attempt] = useAttempt();
  const run = data?.run ?? null;
  const running = run?.result === "running";
  const before = useRef(false);
  useEffect(() => {
    if (before.current && !running) done();
    before.current = running;
  }, [running]);
  const start = async (): Promise<void> => {
    if (!running && (await attempt(() => store.api.runAudit()))) reload();
  };
  return (
    <div class="card check run">
      <button type="button" class="button" aria-disabled={running} onClick={() => void start()}>
        {running ? words.running : words.run}
      </button>
      <Wrong text={error} />
      {run !== null && <Last run={run} />}
    </div>
  );
}
