import type { JSX } from "preact";

import { formatThreshold } from "../format";
import { strings } from "../strings";
import { urgency } from "../tones";
import type { Panel } from "../types";

/** The thresholds that the rules set, the mildest first. */
export function Limits({ panel }: { panel: Panel }): JSX.Element {
  if (panel.thresholds.length === 0) return <span class="limits">{strings.panel.noThreshold}</span>;
  const sorted = panel.thresholds.toSorted((a, b) => urgency(b.severity) - urgency(a.severity));
  return (
    <span class="limits">
      {sorted.map((threshold, index) => (
        <span key={`${threshold.rule} ${threshold.severity}`} title={threshold.rule}>
          {index > 0 && " · "}
          {formatThreshold(threshold, panel.unit)}
        </span>
      ))}
    </span>
  );
}
