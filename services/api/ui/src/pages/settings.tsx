import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { useStore } from "../model/store";
import { useAttempt, Wrong } from "../parts/attempt";
import { Audit, People, Tokens } from "../parts/people";
import { Section } from "../parts/states";
import { strings } from "../strings";

const words = strings.settings;

function OwnPassword(): JSX.Element {
  const store = useStore();
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const [done, setDone] = useState(false);
  const [error, attempt] = useAttempt();
  const send = async (): Promise<void> => {
    const changed = await attempt(() => store.api.changePassword(current, wanted));
    setDone(changed);
    if (!changed) return;
    setCurrent("");
    setWanted("");
  };
  return (
    <Section id="password" title={words.password}>
      <form
        class="card form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <div class="form-row">
          <label>
            {words.current}
            <input
              type="password"
              value={current}
              autocomplete="current-password"
              onInput={(event) => setCurrent(event.currentTarget.value)}
              required
            />
          </label>
          <label>
            {words.wanted}
            <input
              type="password"
              value={wanted}
              autocomplete="new-password"
              onInput={(event) => setWanted(event.currentTarget.value)}
              required
            />
          </label>
        </div>
        <div class="buttons">
          <button type="submit" class="button">
            {words.change}
          </button>
        </div>
        {done && (
          <p class="notice" role="status">
            {words.changed}
          </p>
        )}
        <Wrong text={error} />
      </form>
    </Section>
  );
}

export function SettingsPage(): JSX.Element {
  const session = useStore().session.value;
  const admin = session.phase === "in" && session.user.role === "admin";
  return (
    <>
      <header class="page-head">
        <h1>{words.title}</h1>
      </header>
      <OwnPassword />
      {admin && (
        <>
          <People />
          <Tokens />
          <Audit />
        </>
      )}
    </>
  );
}
