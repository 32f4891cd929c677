import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";

import { formatDuration, formatTime } from "../format";
import { useResource } from "../model/resource";
import { safeLink } from "../model/router";
import { useStore } from "../model/store";
import { Acknowledge, Acknowledged } from "../parts/acknowledge";
import { Action, Marks, categoryText, severityText } from "../parts/alert-item";
import { Breach, Comment, GiveBack, Related, Useful } from "../parts/alert-work";
import { Badge, Icon } from "../parts/icon";
import { SilenceButton } from "../parts/silence";
import { Empty, Failure, Loading, Section } from "../parts/states";
import { Age } from "../parts/time";
import { Timeline } from "../parts/timeline";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { AlertDetail } from "../types";

const words = strings.alert;
/** Notifications are not part of the live feed; a firing alert's story is read again this often. */
const REFRESH = 10_000;

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element | null {
  if (children === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Facts({ alert }: { alert: AlertDetail }): JSX.Element {
  const store = useStore();
  const runbook = safeLink(alert.annotations["runbook_url"] ?? "");
  return (
    <dl class="facts">
      <Fact name={words.component}>{store.componentTitle(alert.component)}</Fact>
      <Fact name={words.category}>{categoryText(alert.category)}</Fact>
      <Fact name={strings.alerts.started}>{formatTime(alert.starts_at)}</Fact>
      <Fact name={strings.alerts.resolved}>{alert.ends_at === null ? "" : formatTime(alert.ends_at)}</Fact>
      <Fact name={words.duration}>{formatDuration((alert.ends_at ?? store.now.value) - alert.starts_at)}</Fact>
      <Fact name={strings.alerts.value}>{alert.value === null ? "" : String(alert.value)}</Fact>
      <Fact name={words.notifications}>{String(alert.notifications)}</Fact>
      <Fact name={words.rule}>{alert.rule.name}</Fact>
      <Fact name={words.expression}>{alert.rule.expr === "" ? "" : <code>{alert.rule.expr}</code>}</Fact>
      <Fact name={words.runbook}>{runbook === null ? "" : <a href={runbook.href}>{runbook.href}</a>}</Fact>
      <Fact name={words.file}>{alert.rule.file}</Fact>
      <Fact name={words.group}>{alert.rule.group}</Fact>
      <Fact name={words.labels}>
        <span class="labels">
          {Object.entries(alert.labels).map(([name, value]) => (
            <code key={name}>
              {name}={value}
            </code>
          ))}
        </span>
      </Fact>
    </dl>
  );
}

function Top({ alert, reload }: { alert: AlertDetail; reload: () => void }): JSX.Element {
  const tone = toneOf(alert.severity);
  const firing = alert.status === "firing";
  return (
    <header class="card alert-top" data-tone={firing ? tone : undefined}>
      <p class="alert-head">
        <Badge tone={tone} text={severityText(alert.severity)} />
        <Badge tone={firing ? tone : "ok"} text={firing ? strings.alerts.firing : strings.alerts.resolved} />
        <span class="alert-about">{alert.name}</span>
        <span class="alert-age">
          <Age at={alert.starts_at} />
        </span>
      </p>
      <h1>{alert.summary === "" ? alert.name : alert.summary}</h1>
      {alert.description !== "" && <p class="alert-description">{alert.description}</p>}
      <Marks alert={alert} />
      <Action alert={alert} />
      {firing ? <Acknowledge alert={alert} onDone={reload} /> : <Acknowledged alert={alert} />}
      {firing && (
        <div class="buttons">
          <GiveBack alert={alert} onDone={reload} />
          <SilenceButton alert={alert} />
        </div>
      )}
      <Useful alert={alert} reload={reload} />
    </header>
  );
}

function Story({ alert, reload }: { alert: AlertDetail; reload: () => void }): JSX.Element {
  return (
    <div data-alert-page={alert.id}>
      <Top alert={alert} reload={reload} />
      <div class="alert-columns">
        <div>
          <Breach alert={alert} />
          <Section id="timeline" title={words.timeline}>
            {!alert.complete && <p class="notice">{words.incomplete}</p>}
            <div class="card">
              <Timeline entries={alert.timeline} />
              <Comment id={alert.id} reload={reload} />
            </div>
          </Section>
        </div>
        <div>
          <Section id="facts" title={words.facts}>
            <div class="card">
              <Facts alert={alert} />
            </div>
          </Section>
          <Related alert={alert} />
        </div>
      </div>
    </div>
  );
}

export function AlertPage({ id }: { id: string }): JSX.Element {
  const store = useStore();
  const seen = store.state.value?.alerts.find((alert) => alert.id === id);
  const { data, error, reload } = useResource(() => store.api.alert(id), [id]);
  useEffect(() => {
    if (data !== null) reload();
  }, [seen]);
  const firing = data?.status === "firing";
  useEffect(() => {
    if (!firing) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, REFRESH);
    return () => clearInterval(timer);
  }, [firing, reload]);

  const missing = error?.status === 404;
  return (
    <>
      <p class="crumb">
        <a href="/">
          <Icon name="back" />
          {words.back}
        </a>
      </p>
      {missing && <Empty page icon="unknown" title={words.missing} help={words.missingHelp} />}
      {error !== null && !missing && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && !missing && <Story alert={data} reload={reload} />}
    </>
  );
}
