/** Who is on call now, large, and what would reach nobody. */

import type { JSX } from "preact";

import { formatShift } from "../model/on-call";
import { strings } from "../strings";
import type { OnCall } from "../types";
import { Icon } from "./icon";
import { Section } from "./states";

const words = strings.onCall;

/** A contact's whole name where it has one. */
export const titled = (titles: Record<string, string>, name: string): string => titles[name] ?? name;

/** Several people as one text; nobody is said so. */
export const together = (titles: Record<string, string>, people: readonly string[]): string =>
  people.length === 0 ? words.nobody : people.map((name) => titled(titles, name)).join(", ");

export function Duty({ now }: { now: OnCall }): JSX.Element {
  const { titles } = now;
  return (
    <Section id="now" title={words.now}>
      <div class="duties">
        {now.schedules.map((duty) => (
          <article key={duty.name} class="card duty" aria-label={words.nowIn(words.schedule(duty.name))} data-gap={duty.gap ? "" : undefined}>
            <p class="quiet">{words.schedule(duty.name)}</p>
            <p class="duty-name">
              {together(titles, duty.people)}
              {duty.people.includes(now.contact) && <span class="you">{words.you}</span>}
            </p>
            <p class="quiet">
              {duty.until === null
                ? words.always
                : words.then(formatShift(duty.until), together(titles, duty.next))}
            </p>
          </article>
        ))}
        {now.policies.map((policy) => (
          <article key={policy.name} class="card duty" aria-label={words.nowIn(words.policy(policy.name))} data-small>
            <p class="quiet">{words.policy(policy.name)}</p>
            <p class="duty-name">{together(titles, [...policy.people, ...policy.receivers])}</p>
            <p class="quiet">{words.first}</p>
          </article>
        ))}
      </div>
      {now.warnings.length > 0 && (
        <ul class="gaps">
          {now.warnings.map((one) => (
            <li key={one.kind + one.name + one.text} class="warned">
              <Icon name="warning" tone="warning" />
              <span>
                <strong>{one.kind === "contact" ? titled(titles, one.name) : one.name}</strong> {one.text}.{" "}
                <code>{one.place}</code>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
