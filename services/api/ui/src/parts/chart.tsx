import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { formatValue } from "../format";
import { strings } from "../strings";
import type { Panel } from "../types";
import type { Plot } from "./plot";

/** A panel's last 15 minutes with its threshold lines; the plotting library loads when first needed. */
export function Chart({ panel }: { panel: Panel }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const latest = useRef(panel);
  latest.current = panel;
  const empty = panel.spark.length < 2;
  useEffect(() => {
    let gone = false;
    if (empty) return undefined;
    void import("./plot").then(({ Plot }) => {
      if (!gone && box.current !== null) plot.current = new Plot(box.current, latest.current);
    });
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = null;
    };
  }, [panel.key, empty]);
  useEffect(() => plot.current?.show(panel), [panel]);
  if (empty) return <p class="quiet chart-none">{strings.panel.noHistory}</p>;
  const values = panel.spark.map(([, value]) => value);
  const text = (value: number | null): string => formatValue(value, panel.unit);
  const label = strings.panel.spark(text(Math.min(...values)), text(Math.max(...values)), text(panel.value));
  return <div class="chart" ref={box} role="img" aria-label={`${panel.title}. ${label}`} />;
}
