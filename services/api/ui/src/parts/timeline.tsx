import type { JSX } from "preact";

import { formatTime } from "../format";
import { strings } from "../strings";
import type { Tone } from "../tones";
import type { TimelineEntry } from "../types";
import { Icon, type IconName } from "./icon";
import { Age } from "./time";

const words = strings.alert;

function look(entry: TimelineEntry): { icon: IconName; tone: Tone } {
  switch (entry.kind) {
    case "firing":
      return { icon: "critical", tone: "critical" };
    case "active":
      return { icon: "warning", tone: "warning" };
    case "resolved":
      return { icon: "ok", tone: "ok" };
    case "acknowledged":
      return { icon: "check", tone: "info" };
    case "notification":
      // A reason is given only for what was not delivered.
      return { icon: "bell", tone: entry.reason === "" ? "info" : "critical" };
    case "comment":
      return { icon: "comment", tone: "info" };
    default:
      return { icon: "info", tone: "unknown" };
  }
}

function Entry({ entry }: { entry: TimelineEntry }): JSX.Element {
  const { icon, tone } = look(entry);
  const outcome = [entry.result, entry.reason].filter((part) => part !== "").map((part) => part.replaceAll("_", " "));
  return (
    <li class="entry" data-tone={tone}>
      <Icon name={icon} tone={tone} />
      <div>
        <p class="entry-title">
          <strong>{words.kinds[entry.kind] ?? entry.kind}</strong>
          {entry.channel !== "" && ` ${words.sent(entry.channel, entry.recipient)}`}
          {entry.by !== "" && entry.kind !== "notification" && ` ${words.by(entry.by)}`}
          {outcome.length > 0 && <span class="entry-result">{outcome.join(": ")}</span>}
        </p>
        {entry.text !== "" && <p class="entry-text">{entry.kind === "verdict" ? words.verdicts[entry.text] : entry.text}</p>}
        <p class="entry-time">
          {formatTime(entry.at)} · <Age at={entry.at} />
        </p>
      </div>
    </li>
  );
}

/** The alert's story, the oldest first. */
export function Timeline({ entries }: { entries: TimelineEntry[] }): JSX.Element {
  if (entries.length === 0) return <p class="quiet">{words.noTimeline}</p>;
  return (
    <ol class="timeline">
      {entries
        .toSorted((a, b) => a.at - b.at)
        .map((entry, index) => (
          <Entry key={index} entry={entry} />
        ))}
    </ol>
  );
}
