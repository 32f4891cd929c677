/** How Tocsin itself does. */

import type { JSX } from "preact";

import { formatValue } from "../format";
import { useRefreshed } from "../model/refresh";
import { useStore } from "../model/store";
import { Badge } from "../parts/icon";
import { Failure, Loading, Section } from "../parts/states";
import { Figures, Missing, seconds, spread, Table } from "../parts/status-table";
import { Age } from "../parts/time";
import { strings } from "../strings";
import "../styles/status.css";
import type { Status } from "../types";

const words = strings.status;
const REFRESH = 5000;
const bytes = (value: number): string => formatValue(value, "bytes");
const count = (value: number | null): string => formatValue(value, "count");

function Services({ of }: { of: Status["services"] }): JSX.Element {
  return (
    <Section id="status-services" title={words.services}>
      <Missing text={of.missing} />
      {of.missing_services.length > 0 && <Missing text={strings.services.missingHelp(of.missing_services)} />}
      <Table
        name={words.services}
        head={[words.service, words.state, words.instance, words.version, words.seen]}
        rows={of.services.map((one) => [
          `${one.service} ${one.instance}`,
          strings.services.names[one.service] ?? one.service,
          <Badge tone={one.ready ? "ok" : "warning"} text={one.ready ? strings.services.ready : one.detail || strings.services.notReady} />,
          one.instance,
          one.version,
          <Age at={one.at} />,
        ])}
      />
      {of.away.length > 0 && <Missing text={words.away(of.away)} />}
      {of.configs.length > 0 && (
        <Table
          name={words.configs}
          head={[words.config, words.state, words.since]}
          rows={of.configs.map((one) => [
            `${one.service} ${one.kind}`,
            `${strings.services.names[one.service] ?? one.service}: ${one.kind}`,
            <Badge tone={one.in_force ? "ok" : "warning"} text={one.in_force ? words.inForce : words.olderInForce} />,
            <Age at={one.since} />,
          ])}
        />
      )}
      {of.troubles.length > 0 && (
        <Table
          name={words.troubles}
          head={[words.trouble, words.reason, words.times]}
          rows={of.troubles.map((one) => [
            `${one.service} ${one.name} ${one.reason}`,
            `${strings.services.names[one.service] ?? one.service}: ${one.name}`,
            one.reason,
            count(one.count),
          ])}
        />
      )}
    </Section>
  );
}

function Streams({ of }: { of: Status["streams"] }): JSX.Element {
  return (
    <Section id="status-streams" title={words.streams}>
      <Missing text={of.missing} />
      {of.streams.length > 0 && (
        <Table
          name={words.streams}
          head={[words.stream, words.reader, words.lag, words.pending, words.entries, words.newest]}
          rows={of.streams.flatMap((stream): [string, ...(string | JSX.Element)[]][] => {
            const rest = [count(stream.entries), stream.newest === null ? words.none : <Age at={stream.newest} />];
            if (stream.groups.length === 0) return [[stream.name, stream.name, words.none, words.none, words.none, ...rest]];
            return stream.groups.map((group) => [
              `${stream.name} ${group.name}`,
              stream.name,
              group.name,
              count(group.lag),
              count(group.pending),
              ...rest,
            ]);
          })}
        />
      )}
      {of.dead.map((one) => (
        <Missing key={one.stream} text={words.dead(one.entries, one.stream)} />
      ))}
    </Section>
  );
}

function Scrapes({ of }: { of: Status["scrapes"] }): JSX.Element {
  const row = (one: Status["scrapes"]["failing"][number], last: string): [string, ...(string | JSX.Element)[]] => [
    `${one.job} ${one.instance} ${one.url}`,
    one.job,
    one.instance,
    last,
    <Age at={one.at} />,
  ];
  return (
    <Section id="status-scrapes" title={words.scrapes}>
      <Missing text={of.missing} />
      <Figures
        of={[
          { name: words.targets, value: words.upDown(of.up, of.down, of.unknown), wrong: of.down > 0 },
          { name: words.scrapeTime, value: spread(of.spread) },
          { name: words.leftOut, value: count(of.left_out), wrong: of.left_out > 0 },
        ]}
      />
      {of.failing.length > 0 && (
        <Table
          name={words.failing}
          head={[words.failing, words.instance, words.error, words.seen]}
          rows={of.failing.map((one) => row(one, one.error))}
        />
      )}
      {of.slowest.length > 0 && (
        <Table
          name={words.slowestTargets}
          head={[words.slowestTargets, words.instance, words.took, words.seen]}
          rows={of.slowest.map((one) => row(one, seconds(one.seconds)))}
        />
      )}
    </Section>
  );
}

function Rules({ of }: { of: Status["rules"] }): JSX.Element {
  return (
    <Section id="status-rules" title={words.rules}>
      <Missing text={of.missing} />
      <Figures
        of={[
          { name: words.ruleCount, value: words.inGroups(of.rules, of.groups) },
          { name: words.groupTime, value: spread(of.spread) },
          { name: words.wait, value: spread(of.wait) },
          { name: words.missed, value: count(of.missed), wrong: of.missed > 0 },
        ]}
      />
      {of.failing.length > 0 && (
        <Table
          name={words.failingRules}
          head={[words.failingRules, words.group, words.error]}
          rows={of.failing.map((one) => [`${one.group} ${one.name}`, one.name, one.group, one.error])}
        />
      )}
      {of.slowest.length > 0 && (
        <Table
          name={words.slowestRules}
          head={[words.slowestRules, words.group, words.took]}
          rows={of.slowest.map((one, index) => [`${index} ${one.name}`, one.name, one.group, seconds(one.seconds)])}
        />
      )}
    </Section>
  );
}

function Delivery({ of, queue }: { of: Status["delivery"]; queue: Status["queue"] }): JSX.Element {
  return (
    <Section id="status-delivery" title={words.delivery}>
      <Missing text={[of.missing, queue.missing].filter((text) => text !== "").join(" ")} />
      {of.channels.length === 0 && of.missing === "" && <p class="quiet">{words.noMessages}</p>}
      {of.channels.length > 0 && (
        <Table
          name={words.channels}
          head={[words.channel, words.success, words.waiting, words.failed, words.attempts, words.took95, words.lastFailure]}
          rows={of.channels.map((one) => [
            one.channel,
            one.channel,
            words.ofMessages(formatValue(one.delivered / Math.max(1, one.messages), "ratio"), one.delivered, one.messages),
            count(one.waiting),
            one.failed > 0 ? <Badge tone="warning" text={count(one.failed)} /> : count(0),
            count(one.attempts),
            seconds(one.p95),
            one.last_failure === null ? (
              words.none
            ) : (
              <>
                {one.last_reason} · <Age at={one.last_failure} />
              </>
            ),
          ])}
        />
      )}
      <Figures
        of={[
          { name: words.outbox, value: count(queue.outbox) },
          { name: words.oldest, value: queue.outbox === 0 ? words.none : seconds(queue.oldest_seconds), wrong: queue.oldest_seconds > 300 },
          { name: words.held, value: count(queue.held) },
          { name: words.recordsQueued, value: count(queue.records_queued), wrong: queue.records_queued > 0 },
          { name: words.recordsLost, value: count(queue.records_dropped), wrong: queue.records_dropped > 0 },
        ]}
      />
    </Section>
  );
}

function Storage({ of }: { of: Status }): JSX.Element {
  const { postgres, redis, history } = of;
  const missing = [postgres.missing, redis.missing, history.missing].filter((text) => text !== "").join(" ");
  const full = redis.max_bytes > 0 && redis.bytes > redis.max_bytes * 0.9;
  return (
    <Section id="status-storage" title={words.storage}>
      <Missing text={missing} />
      <Figures
        of={[
          { name: words.named("PostgreSQL", postgres.version), value: postgres.missing ? words.unknown : bytes(postgres.bytes) },
          {
            name: words.named("Redis", redis.version),
            value: redis.missing ? words.unknown : words.ofLimit(bytes(redis.bytes), redis.max_bytes ? bytes(redis.max_bytes) : "", redis.keys),
            wrong: full,
          },
          { name: words.head, value: words.series(count(history.head_series), bytes(history.head_bytes)) },
          { name: words.historyQueued, value: count(history.queued) },
          { name: words.backlog, value: bytes(history.backlog_bytes), wrong: history.backlog_bytes > 0 },
          { name: words.dropped, value: count(history.dropped), wrong: history.dropped > 0 },
        ]}
      />
      {postgres.tables.length > 0 && (
        <Table
          name={words.tables}
          head={[words.tables, words.size, words.rowCount, words.partitions]}
          rows={postgres.tables.map((one) => [
            one.name,
            one.name,
            bytes(one.bytes),
            one.rows === null ? words.unknown : count(one.rows),
            one.partitions === 0 ? words.none : count(one.partitions),
          ])}
        />
      )}
    </Section>
  );
}

export function StatusPage(): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useRefreshed(() => store.api.status(), [], REFRESH);
  return (
    <>
      <header class="page-head">
        <h1>{words.title}</h1>
        {data !== null && (
          <p>
            {words.asOf} <Age at={data.at} />
          </p>
        )}
      </header>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && (
        <>
          <Services of={data.services} />
          <Streams of={data.streams} />
          <Scrapes of={data.scrapes} />
          <Rules of={data.rules} />
          <Delivery of={data.delivery} queue={data.queue} />
          <Storage of={data} />
        </>
      )}
    </>
  );
}
