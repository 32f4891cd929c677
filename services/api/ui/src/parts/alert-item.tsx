import type { JSX } from "preact";

import { safeLink } from "../model/router";
import { useStore } from "../model/store";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { Alert } from "../types";
import { Acknowledge } from "./acknowledge";
import { Badge, Icon } from "./icon";
import { SilenceButton } from "./silence";
import { Age } from "./time";

const words = strings.alerts;

export const severityText = (severity: string): string => strings.severity[severity] ?? severity;
export const categoryText = (category: string): string => strings.category[category] ?? category;

/** What the rule's author says to do, with the link given for it. */
export function Action({ alert }: { alert: Alert }): JSX.Element | null {
  const link = safeLink(alert.action_link);
  if (alert.action === "" && link === null) return null;
  const text = alert.action === "" ? words.open : alert.action;
  return (
    <p class="action">
      <span class="action-label">{words.action}</span>
      {link === null ? (
        <span>{text}</span>
      ) : (
        <a href={link.href} {...(link.external ? { target: "_blank", rel: "noopener noreferrer" } : {})}>
          {`${text}\u00a0`}
          <Icon name={link.external ? "external" : "arrow"} />
          {link.external && <span class="hidden"> ({words.openExternal})</span>}
        </a>
      )}
    </p>
  );
}

export function Marks({ alert }: { alert: Alert }): JSX.Element | null {
  if (!alert.flapping && alert.muted === "") return null;
  return (
    <p class="marks">
      {alert.flapping && (
        <span class="mark" title={words.flappingHelp}>
          {words.flapping}
        </span>
      )}
      {alert.muted !== "" && <span class="mark">{words.muted(alert.muted)}</span>}
    </p>
  );
}

/** One firing alert; focusable as a whole, so that shortcuts know which one is meant. */
export function AlertItem({ alert }: { alert: Alert }): JSX.Element {
  const store = useStore();
  const tone = toneOf(alert.severity);
  const about = [store.componentTitle(alert.component), categoryText(alert.category)].filter((part) => part !== "").join(" · ");
  return (
    <article
      class="card alert"
      tabIndex={0}
      data-tone={tone}
      data-alert={alert.id}
      data-acknowledged={alert.acknowledged ? "" : undefined}
      aria-labelledby={`alert-${alert.id}`}
    >
      <header class="alert-head">
        <Badge tone={tone} text={severityText(alert.severity)} />
        <span class="alert-about">{about}</span>
        <span class="alert-age">
          <Age at={alert.starts_at} />
        </span>
      </header>
      <h3 id={`alert-${alert.id}`}>
        <a href={`/alerts/${encodeURIComponent(alert.id)}`} data-open>
          {alert.summary === "" ? alert.name : alert.summary}
        </a>
      </h3>
      {alert.description !== "" && <p class="alert-description">{alert.description}</p>}
      <Marks alert={alert} />
      <Action alert={alert} />
      <Acknowledge alert={alert} />
      <SilenceButton alert={alert} />
    </article>
  );
}
