import type { JSX } from "preact";

import { formatAge, formatTime } from "../format";
import { useStore } from "../model/store";

/** How long ago, kept current; the exact time in the viewer's zone on hover. */
export function Age({ at }: { at: number | null }): JSX.Element {
  const { now } = useStore();
  const text = formatAge(at, now.value);
  if (at === null) return <span>{text}</span>;
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={formatTime(at)}>
      {text}
    </time>
  );
}
