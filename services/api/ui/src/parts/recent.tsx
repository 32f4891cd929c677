import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { formatDuration } from "../format";
import { ApiError } from "../model/api";
import { useStore } from "../model/store";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { Alert, HistoryPage } from "../types";
import { severityText } from "./alert-item";
import { Icon } from "./icon";
import { Empty, Failure, Loading, Section } from "./states";
import { Age } from "./time";

const words = strings.history;
const PAGE = 8;
/** The recorder writes an alert a moment after the page hears of it. */
const SETTLE = 1500;

function Line({ alert }: { alert: Alert }): JSX.Element {
  const tone = toneOf(alert.severity);
  const lasted = alert.ends_at === null ? words.ongoing : words.lasted(formatDuration(alert.ends_at - alert.starts_at));
  return (
    <li class="line" data-status={alert.status}>
      <Icon name={tone} label={severityText(alert.severity)} tone={tone} />
      <a href={`/alerts/${encodeURIComponent(alert.id)}`}>{alert.summary === "" ? alert.name : alert.summary}</a>
      <span class="line-facts">
        <Age at={alert.starts_at} /> · {lasted}
      </span>
    </li>
  );
}

/** The latest alerts, firing or not, read anew whenever one begins or ends. */
export function Recent({ version }: { version: string }): JSX.Element {
  const { api } = useStore();
  const [page, setPage] = useState<HistoryPage | null>(null);
  const [error, setError] = useState<ApiError | null>(null);

  const read = async (cursor: string | null): Promise<void> => {
    try {
      const next = await api.history(PAGE, cursor);
      setPage((before) =>
        cursor === null || before === null ? next : { ...next, alerts: [...before.alerts, ...next.alerts] },
      );
      setError(null);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void read(null), page === null ? 0 : SETTLE);
    return () => clearTimeout(timer);
  }, [version]);

  const cursor = page?.next_cursor ?? null;
  return (
    <Section id="recent" title={words.title}>
      {error !== null && <Failure error={error} retry={() => void read(null)} />}
      {page === null && error === null && <Loading />}
      {page?.alerts.length === 0 && <Empty icon="bell" title={words.none} help={words.noneHelp} />}
      {page !== null && page.alerts.length > 0 && (
        <ul class="lines card">
          {page.alerts.map((alert) => (
            <Line key={alert.id} alert={alert} />
          ))}
        </ul>
      )}
      {cursor !== null && (
        <button type="button" class="button plain more" onClick={() => void read(cursor)}>
          {words.more}
        </button>
      )}
    </Section>
  );
}
