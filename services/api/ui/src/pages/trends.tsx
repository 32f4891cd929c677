import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import { formatTime } from "../format";
import { replaceSearch, route } from "../model/router";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import {
  byHour,
  chartsOf,
  fixed,
  questionOf,
  searchOf,
  viewOf,
  type RecordedMetric,
  type Trends,
  type View,
} from "../model/trends";
import { HistoryChart } from "../parts/history-chart";
import { Empty, Failure, Loading, Section } from "../parts/states";
import { TrendControls } from "../parts/trend-controls";
import { TrendHours } from "../parts/trend-hours";
import { TrendMarkers, TrendTable } from "../parts/trend-table";
import { strings } from "../strings";
import "../styles/trends.css";

const words = strings.trends;
const REFRESH = 30_000;

function show(view: View): void {
  replaceSearch(searchOf(view));
}

function Charts({ view, trends }: { view: View; trends: Trends }): JSX.Element {
  const { now } = useStore();
  const charts = useMemo(() => chartsOf(trends), [trends]);
  const hours = useMemo(() => byHour(trends, charts, (at) => new Date(at * 1000).getHours()), [trends]);
  if (charts.every((chart) => chart.lines.every((line) => line.series.points.length === 0))) {
    return <Empty icon="unknown" title={words.none} help={words.noneHelp} />;
  }
  const cut = trends.metrics.filter((metric) => metric.truncated).map((metric) => metric.title);
  return (
    <>
      <p class="quiet">{words.shown(formatTime(trends.start), formatTime(trends.end), trends.step)}</p>
      {cut.length > 0 && <p class="notice">{words.truncated(cut)}</p>}
      {charts.map((chart) => (
        <HistoryChart
          key={chart.unit}
          data={chart}
          markers={trends.markers}
          onZoom={(from, to) => show(fixed(view, from, to, now.peek()))}
        />
      ))}
      <TrendTable charts={charts} compared={trends.compared_seconds > 0} />
      {hours.length > 0 && (
        <Section id="hours" title={words.hours}>
          <TrendHours hours={hours} />
        </Section>
      )}
      <Section id="happened" title={words.happened}>
        <TrendMarkers markers={trends.markers} />
      </Section>
    </>
  );
}

/** `chosen` are those of the address that are recorded; without one, the first panel. */
function Explorer({ view, all }: { view: View; all: RecordedMetric[] }): JSX.Element {
  const store = useStore();
  const chosen = view.metrics
    .map((name) => all.find((metric) => metric.key === name || metric.metric === name))
    .filter((metric) => metric !== undefined);
  const shown = chosen.length > 0 ? [...new Set(chosen)] : all.slice(0, 1);
  const unknown = view.metrics.filter((name) => !all.some((metric) => metric.key === name || metric.metric === name));
  const keys = shown.map((metric) => metric.key);
  const own = { ...view, metrics: keys };
  const question = questionOf(view, keys);
  const { data, error, reload } = useResource(() => store.api.trends(question), [question]);
  const still = view.from !== null;
  useEffect(() => {
    if (still) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, REFRESH);
    return () => clearInterval(timer);
  }, [still, reload]);
  return (
    <>
      {unknown.length > 0 && <p class="notice">{words.unknownMetric(unknown.join(", "))}</p>}
      <TrendControls
        view={own}
        shown={shown}
        all={all}
        csv={store.api.trendsCsv(question)}
        onChange={show}
      />
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && <Charts view={own} trends={data} />}
    </>
  );
}

/** The past of recorded metrics; `?metric=` names them, as the rules' action links do. */
export function TrendsPage(): JSX.Element {
  const store = useStore();
  const view = useMemo(() => viewOf(location.search), [route.value]);
  const { data, error, reload } = useResource(() => store.api.metricNames(), []);
  return (
    <>
      <header class="page-head">
        <h1>{words.title}</h1>
        <p>{words.intro}</p>
      </header>
      {error !== null && data === null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && <Explorer view={view} all={data.metrics} />}
    </>
  );
}
