import type { JSX } from "preact";

import { formatValue } from "../format";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { Panel } from "../types";
import { sparkShape } from "./spark-path";

const WIDTH = 200;

/** The last 15 minutes of a panel with its thresholds; its text names lowest, highest and newest value. */
export function Sparkline({ panel, height }: { panel: Panel; height: number }): JSX.Element {
  const limits = panel.thresholds.map((threshold) => threshold.value);
  const shape = sparkShape(panel.spark, limits, WIDTH, height);
  if (shape === null) return <div class="spark spark-none" style={{ height: `${height}px` }} />;
  const values = panel.spark.map(([, value]) => value);
  const text = (value: number | null): string => formatValue(value, panel.unit);
  const label = strings.panel.spark(text(Math.min(...values)), text(Math.max(...values)), text(panel.value));
  return (
    <svg
      class="spark"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${height}`}
      height={height}
      preserveAspectRatio="none"
      data-tone={toneOf(panel.status)}
    >
      <path class="spark-area" d={shape.area} />
      {shape.limits.map((limit) => (
        <line key={limit} class="spark-limit" x1="0" x2={WIDTH} y1={limit} y2={limit} />
      ))}
      <path class="spark-line" d={shape.line} />
    </svg>
  );
}
