import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { ApiError } from "../model/api";
import { filtersOf, historyQuery, pick, searchOf, type Filters } from "../model/filters";
import { replaceSearch } from "../model/router";
import { hiddenIds, useSilences } from "../model/silences";
import { useStore } from "../model/store";
import { FilterBar, Tabs } from "../parts/alert-filters";
import { AlertRow } from "../parts/alert-row";
import { Empty, Failure, Loading } from "../parts/states";
import { Virtual } from "../parts/virtual";
import { strings } from "../strings";
import type { Alert, HistoryPage, RecordedAlert } from "../types";

const words = strings.list;
const PAGE = 100;
const SETTLE = 250;
const MOST = 500;

/** What became of an alert that is over, or goes on. */
const became = ({ notifications, attempts, verdict }: RecordedAlert): string[] => [
  attempts > 0 ? strings.history.told(notifications, attempts) : "",
  verdict === null ? "" : (strings.alert.verdicts[verdict] ?? verdict),
];

function History({ filters }: { filters: Filters }): JSX.Element {
  const store = useStore();
  const [page, setPage] = useState<HistoryPage | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const read = async (cursor: string | null): Promise<void> => {
    try {
      const next = await store.api.history(PAGE, cursor, historyQuery(filters, store.now.value));
      setPage((before) => (cursor === null || before === null ? next : { ...next, alerts: [...before.alerts, ...next.alerts] }));
      setError(null);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void read(null), page === null ? 0 : SETTLE);
    return () => clearTimeout(timer);
  }, [searchOf(filters)]);
  const cursor = page?.next_cursor ?? null;
  return (
    <>
      {error !== null && <Failure error={error} retry={() => void read(null)} />}
      {page === null && error === null && <Loading />}
      {page?.alerts.length === 0 && <Empty icon="bell" title={words.none} help={words.noneHelp} />}
      <Virtual items={page?.alerts ?? []} keyOf={(alert) => alert.id} row={(alert) => <AlertRow alert={alert} more={became(alert)} />} />
      {cursor !== null && (
        <button type="button" class="button plain more" onClick={() => void read(cursor)}>
          {strings.history.more}
        </button>
      )}
    </>
  );
}

function Bulk(props: { alerts: Alert[]; selected: Set<string>; select: (ids: string[]) => void }): JSX.Element {
  const { alerts, selected, select } = props;
  const store = useStore();
  const [busy, setBusy] = useState(false);
  const acknowledge = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      const refused = await store.acknowledgeMany([...selected]);
      store.notice.value = refused === 0 ? "" : words.refused(refused);
      select([]);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      store.notice.value = `${caught.message} ${caught.mend}`;
    } finally {
      setBusy(false);
    }
  };
  const all = selected.size > 0 && selected.size >= Math.min(MOST, alerts.length);
  return (
    <div class="bulk">
      <span class="quiet">{selected.size > 0 ? words.selected(selected.size) : words.shown(alerts.length)}</span>
      {store.mayAct && alerts.length > 0 && (
        <button
          type="button"
          class="button plain"
          onClick={() => select(all ? [] : alerts.slice(0, MOST).map((alert) => alert.id))}
        >
          {all ? words.selectNone : words.selectAll}
        </button>
      )}
      {selected.size > 0 && (
        <button type="button" class="button primary" aria-disabled={busy} onClick={() => void acknowledge()}>
          {words.acknowledgeAll}
        </button>
      )}
    </div>
  );
}

export function AlertsPage({ search }: { search: string }): JSX.Element {
  const store = useStore();
  const filters = filtersOf(search);
  const { silences, error } = useSilences();
  const [chosen, setChosen] = useState<string[]>([]);
  const state = store.state.value;
  if (state === null) return <Loading />;
  const hidden = hiddenIds(silences);
  // By the minute, so that the list is not made anew each second.
  const now = Math.floor(store.now.value / 60) * 60;
  const under = (tab: Filters["tab"]): Alert[] => pick(state.alerts, { ...filters, tab }, hidden, now);
  const shown = under(filters.tab);
  const ids = new Set(shown.map((alert) => alert.id));
  const selected = new Set(chosen.filter((id) => ids.has(id)));
  const toggle = (id: string): void =>
    setChosen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id]));
  const counts = { active: under("active").length, acknowledged: under("acknowledged").length, silenced: under("silenced").length };
  return (
    <>
      <header class="page-head page-row">
        <h1>{words.title}</h1>
        <a href="/statistics">{strings.statistics.title}</a>
      </header>
      <Tabs filters={filters} counts={counts} />
      <FilterBar
        filters={filters}
        components={state.health.components.map((one) => [one.key, one.title])}
        change={(part) => replaceSearch(searchOf({ ...filters, ...part }))}
      />
      {error !== null && <p class="notice">{words.noSilences}</p>}
      {filters.tab === "history" ? (
        <History filters={filters} />
      ) : (
        <>
          <Bulk alerts={shown} selected={selected} select={setChosen} />
          {shown.length === 0 && <Empty icon="ok" title={words.none} help={words.noneHelp} />}
          <Virtual
            items={shown}
            keyOf={(alert) => alert.id}
            row={(alert) => (
              <AlertRow
                alert={alert}
                {...(store.mayAct ? { selection: { selected: selected.has(alert.id), toggle } } : {})}
              />
            )}
          />
        </>
      )}
    </>
  );
}
