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
import { Icon } from "./icon";
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
        <p key={text} class="warned">
          <Icon name="warning" tone="warning" /> {text}
        </p>
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
      <label>
        {words.give(contact.title || contact.name)}
        <select value="" onChange={(event) => void give(event.currentTarget.value, contact.name)}>
          <option value="">{words.chooseLogin}</option>
          {users
            .filter((user) => !theirs.has(user.id) && !user.disabled)
            .map((user) => (
              <option key={user.id} value={String(user.id)}>
                {user.username}
              </option>
            ))}
        </select>
      </label>
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
        <p key={text} class="warned">
          <Icon name="warning" tone="warning" /> {text}
        </p>
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
      <label>
        {words.receiver}
        <select value={name} onChange={(event) => setName(event.currentTarget.value)}>
          {names.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <TestMessage key={name} label={words.testTo(name)} to={{ receiver: name }} />
    </div>
  );
}
