/** How one is told: channels, quiet hours, limits, and a test message. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { chosenOf, draftOf, moved, SEVERITIES, type Draft, type DraftChannel } from "../model/on-call";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Preferences } from "../types";
import { useAttempt, Wrong } from "./attempt";
import { Check, Choice, Field, Warned } from "./fields";
import { Icon } from "./icon";
import { QuietHoursFields } from "./quiet-hours";
import { TestMessage } from "./test-message";
import { Age } from "./time";

const words = strings.onCall;

function ChannelRow(props: {
  channel: DraftChannel;
  last: boolean;
  first: boolean;
  change: (channel: DraftChannel) => void;
  move: (by: number) => void;
}): JSX.Element {
  const { channel, change, move } = props;
  const name = words.channel(channel.integration);
  return (
    <li class="channel" data-off={channel.on ? undefined : ""}>
      <div class="channel-name">
        <Check on={channel.on} set={(on) => change({ ...channel, on })}>
          <strong>{name}</strong>
        </Check>
        <span class="quiet">{channel.recipients.join(", ")}</span>
      </div>
      <div class="choices">
        {SEVERITIES.map((severity) => (
          <Check
            key={severity}
            label={words.takes(name, strings.severity[severity] ?? severity)}
            on={channel.severities.includes(severity)}
            disabled={!channel.on}
            set={(on) => {
              const rest = channel.severities.filter((one) => one !== severity);
              change({ ...channel, severities: on ? [...rest, severity] : rest });
            }}
          >
            {strings.severity[severity]}
          </Check>
        ))}
      </div>
      <div class="moves">
        <button type="button" class="icon-button" aria-label={words.earlier(name)} disabled={props.first} onClick={() => move(-1)}>
          <Icon name="up" />
        </button>
        <button type="button" class="icon-button" aria-label={words.later(name)} disabled={props.last} onClick={() => move(1)}>
          <Icon name="down" />
        </button>
      </div>
    </li>
  );
}

/** What can be said against a draft before it is sent. */
function mistakeIn(draft: Draft): string {
  const used = draft.channels.filter((one) => one.on);
  if (used.length === 0) return words.needsChannel;
  const empty = used.find((one) => one.severities.length === 0);
  return empty === undefined ? "" : words.needsSeverity(words.channel(empty.integration));
}

function Channels({ draft, change }: { draft: Draft; change: (draft: Draft) => void }): JSX.Element {
  const { channels } = draft;
  return (
    <fieldset class="part">
      <legend>{words.channels}</legend>
      <ol class="channels">
        {channels.map((channel, index) => (
          <ChannelRow
            key={channel.integration}
            channel={channel}
            first={index === 0}
            last={index === channels.length - 1}
            change={(next) => change({ ...draft, channels: channels.map((one, at) => (at === index ? next : one)) })}
            move={(by) => change({ ...draft, channels: moved(channels, index, by) })}
          />
        ))}
      </ol>
      <Choice
        label={words.deliver}
        value={draft.deliver}
        options={[["first", words.deliverFirst], ["all", words.deliverAll]]}
        set={(deliver) => change({ ...draft, deliver: deliver as Draft["deliver"] })}
      />
    </fieldset>
  );
}

function Limit({ draft, change }: { draft: Draft; change: (draft: Draft) => void }): JSX.Element {
  return (
    <fieldset class="part">
      <legend>{words.limit}</legend>
      <p class="quiet">{words.limitHelp}</p>
      <div class="form-row">
        <Field
          label={words.perHour}
          type="number"
          min={1}
          max={10_000}
          placeholder={words.asFile}
          value={draft.perHour}
          set={(perHour) => change({ ...draft, perHour })}
        />
        <Field
          label={words.criticalWithin}
          type="number"
          min={0}
          max={86_400}
          required
          disabled={draft.perHour === ""}
          value={String(draft.criticalWithin)}
          set={(seconds) => change({ ...draft, criticalWithin: Number(seconds) })}
        />
      </div>
    </fieldset>
  );
}

interface Props {
  preferences: Preferences;
  /** Null: one's own. */
  contact: string | null;
  saved: (preferences: Preferences) => void;
}

export function PreferenceForm({ preferences, contact, saved }: Props): JSX.Element {
  const store = useStore();
  const [draft, setDraft] = useState(() => draftOf(preferences));
  const [done, setDone] = useState("");
  const [mistake, setMistake] = useState("");
  const [error, attempt] = useAttempt();
  const change = (next: Draft): void => {
    setDraft(next);
    setDone("");
  };
  const send = async (body: ReturnType<typeof chosenOf>): Promise<void> => {
    await attempt(async () => {
      const kept = await store.api.savePreferences(contact, body);
      setDraft(draftOf(kept));
      setDone(kept.pending === "" ? words.saved : kept.pending);
      saved(kept);
    });
  };
  return (
    <form
      class="card form preference"
      aria-label={words.preferences}
      onSubmit={(event) => {
        event.preventDefault();
        const wrong = mistakeIn(draft);
        setMistake(wrong);
        if (wrong === "") void send(chosenOf(draft, preferences));
      }}
    >
      <Channels draft={draft} change={change} />
      <QuietHoursFields value={draft.quiet} change={(quiet) => change({ ...draft, quiet })} />
      <Limit draft={draft} change={change} />
      {preferences.warnings.map((text) => (
        <Warned key={text}>{words.thisContact(preferences.title || preferences.contact, text)}</Warned>
      ))}
      <div class="buttons">
        <button type="submit" class="button primary">
          {words.save}
        </button>
        {preferences.updated_at !== null && (
          <>
            <button type="button" class="button plain" onClick={() => void send({})}>
              {words.reset}
            </button>
            <span class="quiet">
              {words.chosenBy(preferences.updated_by ?? "")} <Age at={preferences.updated_at} />
            </span>
          </>
        )}
      </div>
      {done !== "" && (
        <p class="notice" role="status">
          {done}
        </p>
      )}
      <Wrong text={mistake || error} />
      {store.mayAct && (
        <TestMessage
          label={contact === null ? words.testMe : words.testTo(preferences.title || contact)}
          to={contact === null ? {} : { contact }}
        />
      )}
    </form>
  );
}
