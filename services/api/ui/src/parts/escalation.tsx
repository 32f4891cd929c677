/** Escalation policies as steps, and everybody who can be told. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatDuration } from "../format";
import { formatDays } from "../model/on-call";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { Contact, Policy, Severity, UserAccount } from "../types";
import { useAttempt, Wrong } from "./attempt";
import { titled, together } from "./duty";
import { Choice, Warned } from "./fields";
import { TestMessage } from "./test-message";

const words = strings.onCall;

export function PolicyCard({ policy, titles }: { policy: Policy; titles: Record<string, string> }): JSX.Element {
  return (
    <article class="card policy" aria-label={words.policy(policy.name)}>
      <header class="card-head">
        <h3>{policy.name}</h3>
        <span class="quiet">{words.repeats(policy.repeat)}</span>
      </header>
      <ol class="steps">
        {policy.steps.map((step, index) => (
          <li key={index}>
            <p>
              {step.notify.map((one) => words.target(one.kind, one.kind === "contact" ? titled(titles, one.name) : one.name)).join(", ")}
              {step.channels.length > 0 && <span class="quiet"> {words.by(step.channels.map(words.channel).join(", "))}</span>}
            </p>
            <p class="quiet">
              {words.reaches(together(titles, step.reaches.map((one) => one.name)))}
              {index < policy.steps.length - 1 && <> · {words.waits(formatDuration(step.wait))}</>}
            </p>
          </li>
        ))}
      </ol>
      {policy.warnings.map((text) => (
        <Warned key={text}>{text}</Warned>
      ))}
    </article>
  );
}

function Login({ contact, users, changed }: { contact: Contact; users: UserAccount[]; changed: () => void }): JSX.Element {
  const store = useStore();
  const [error, attempt] = useAttempt();
  const give = async (id: string, name: string | null): Promise<void> => {
    if (await attempt(() => store.api.giveContact(Number(id), name))) changed();
  };
  const theirs = new Set(contact.logins.map((one) => one.id));
  return (
    <div class="logins">
      {contact.logins.map((login) => (
        <p key={login.id} class="quiet">
          {words.login(login.username)}
          {login.given && (
            <button type="button" class="button plain" onClick={() => void give(String(login.id), null)}>
              {words.release(login.username)}
            </button>
          )}
        </p>
      ))}
      <Choice
        label={words.give(contact.title || contact.name)}
        value=""
        options={[
          ["", words.chooseLogin],
          ...users
            .filter((user) => !theirs.has(user.id) && !user.disabled)
            .map((user): [string, string] => [String(user.id), user.username]),
        ]}
        set={(id) => void give(id, contact.name)}
      />
      <Wrong text={error} />
    </div>
  );
}

interface CardProps {
  contact: Contact;
  /** Null: you are no admin. */
  users: UserAccount[] | null;
  changed: () => void;
}

export function ContactCard({ contact, users, changed }: CardProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const { now } = contact;
  return (
    <article class="card contact" aria-label={contact.title || contact.name}>
      <p>
        <strong>{contact.title || contact.name}</strong> {contact.title !== "" && <span class="quiet">{contact.name}</span>}
        {contact.mine && <span class="you">{words.you}</span>}
      </p>
      <ul class="ways">
        {now.channels.map((one) => (
          <li key={one.integration}>
            {words.channel(one.integration)} <span class="quiet">{one.recipients.join(", ")}</span>{" "}
            <span class="quiet">{words.severities(one.severities as Severity[])}</span>
          </li>
        ))}
      </ul>
      {now.quiet_hours.map((one, index) => (
        <p key={index} class="quiet">
          {words.quietText(formatDays(one.days ?? [], words.days), one.from, one.to, one.time_zone, one.critical_passes ?? true)}
        </p>
      ))}
      {now.rate_limit !== null && <p class="quiet">{words.limitText(now.rate_limit.per_hour)}</p>}
      {contact.warnings.map((text) => (
        <Warned key={text}>{text}</Warned>
      ))}
      {users !== null && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{words.manage}</summary>
          {open && (
            <>
              <Login contact={contact} users={users} changed={changed} />
              <TestMessage label={words.testTo(contact.title || contact.name)} to={{ contact: contact.name }} />
            </>
          )}
        </details>
      )}
    </article>
  );
}

export function Receivers({ names }: { names: string[] }): JSX.Element {
  const [name, setName] = useState(names[0] ?? "");
  return (
    <div class="card contact">
      <Choice label={words.receiver} value={name} options={names.map((one) => [one, one])} set={setName} />
      <TestMessage key={name} label={words.testTo(name)} to={{ receiver: name }} />
    </div>
  );
}
