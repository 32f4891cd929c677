import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatTime } from "../format";
import { ApiError } from "../model/api";
import { matcherText } from "../model/matchers";
import { useSilences } from "../model/silences";
import { useStore } from "../model/store";
import { Icon } from "../parts/icon";
import { Empty, Failure, Loading, Section } from "../parts/states";
import { strings } from "../strings";
import type { Silence } from "../types";

const words = strings.silences;

function Card({ silence }: { silence: Silence }): JSX.Element {
  const store = useStore();
  const [error, setError] = useState("");
  const over = silence.state === "expired";
  const expire = async (): Promise<void> => {
    try {
      await store.api.expireSilence(silence.id);
      store.silencesVersion.value += 1;
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
    }
  };
  return (
    <article class="card silence" data-state={silence.state}>
      <p class="labels">
        {silence.matchers.map((matcher) => (
          <code key={matcherText(matcher)}>{matcherText(matcher)}</code>
        ))}
      </p>
      {silence.comment !== "" && <q>{silence.comment}</q>}
      <p class="quiet">
        {words.states[silence.state]} · {words.times(formatTime(silence.starts_at), formatTime(silence.ends_at))} ·{" "}
        {strings.alert.by(silence.created_by)}
      </p>
      {!over && (
        <>
          <p>{strings.silence.hides(silence.hides.length)}</p>
          <ul class="lines-plain">
            {silence.hides.slice(0, 5).map((id) => (
              <li key={id}>
                <a href={`/alerts/${encodeURIComponent(id)}`}>{store.alertTitle(id)}</a>
              </li>
            ))}
          </ul>
          {store.mayAct && (
            <button type="button" class="button" onClick={() => void expire()}>
              {words.expire}
            </button>
          )}
        </>
      )}
      {error !== "" && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
    </article>
  );
}

export function SilencesPage(): JSX.Element {
  const store = useStore();
  const { silences, error, reload } = useSilences();
  const now = silences?.filter((one) => one.state !== "expired") ?? [];
  const over = silences?.filter((one) => one.state === "expired") ?? [];
  return (
    <>
      <header class="page-head page-row">
        <h1>{words.title}</h1>
        {store.mayAct && (
          <button
            type="button"
            class="button primary"
            onClick={() => {
              store.silencing.value = 'alertname=""';
            }}
          >
            <Icon name="mute" />
            {words.add}
          </button>
        )}
      </header>
      {error !== null && <Failure error={error} retry={reload} />}
      {silences === null && error === null && <Loading />}
      {silences !== null && (
        <Section id="silences" title={words.inForce} count={now.length}>
          {now.length === 0 ? (
            <Empty icon="bell" title={words.none} help={words.noneHelp} />
          ) : (
            <div class="cards">
              {now.map((silence) => (
                <Card key={silence.id} silence={silence} />
              ))}
            </div>
          )}
        </Section>
      )}
      {over.length > 0 && (
        <Section id="over" title={words.over} count={over.length}>
          <div class="cards">
            {over.slice(0, 30).map((silence) => (
              <Card key={silence.id} silence={silence} />
            ))}
          </div>
        </Section>
      )}
    </>
  );
}
