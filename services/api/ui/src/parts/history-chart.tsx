import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { formatTime, formatValue } from "../format";
import type { ChartData, Marker } from "../model/trends";
import { strings } from "../strings";
import type { HistoryPlot, Shown } from "./history-plot";

const words = strings.trends;

function Readout({ data, index }: { data: ChartData; index: number | null }): JSX.Element {
  const at = index === null ? undefined : data.times[index];
  // It follows the mouse; who can't use one finds the same in the table and the CSV.
  return (
    <p class="trend-readout" aria-hidden="true">
      {at === undefined || index === null
        ? words.hint
        : [
            formatTime(at),
            ...data.lines.map((line) => {
              const [mean, low, high] = [line.avg[index] ?? null, line.min[index] ?? null, line.max[index] ?? null];
              const text = (value: number | null): string => formatValue(value, data.unit);
              return `${line.label}: ${mean === null ? text(null) : words.reading(text(mean), text(low), text(high))}`;
            }),
          ].join(" · ")}
    </p>
  );
}

/** Lines of one unit over time with their extremes; a part that is marked with the mouse is zoomed into. */
export function HistoryChart(props: {
  data: ChartData;
  markers: Marker[];
  onZoom: (from: number, to: number) => void;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<HistoryPlot | null>(null);
  const [index, setIndex] = useState<number | null>(null);
  const shown: Shown = { ...props, onCursor: setIndex };
  const latest = useRef(shown);
  latest.current = shown;
  useEffect(() => {
    let gone = false;
    void import("./history-plot").then(({ HistoryPlot: Plot }) => {
      if (!gone && box.current !== null) plot.current = new Plot(box.current, latest.current);
    });
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.show(latest.current), [props.data, props.markers]);
  const names = props.data.lines.map((line) => line.label).join(", ");
  return (
    <div class="card trend-chart">
      <div class="trend-plot" ref={box} role="img" aria-label={words.chartOf(names)} />
      <Readout data={props.data} index={index} />
    </div>
  );
}
