import type { JSX } from "preact";

import { formatClock } from "../format";
import { useStore } from "../model/store";
import { strings } from "../strings";
import { Icon } from "./icon";

const words = strings.link;

/** The bar that says that nothing below is current, since when, and when the next try comes. */
export function Disconnected(): JSX.Element | null {
  const store = useStore();
  const link = store.link.value;
  // Read for its beat: the seconds to the next try go by this machine's clock.
  void store.now.value;
  if (link.phase === "live" || link.phase === "stopped" || link.lostAt === null) return null;
  const left = link.phase === "waiting" ? Math.max(1, Math.ceil((link.retryAt - Date.now()) / 1000)) : 0;
  return (
    <section class="offline" aria-label={words.label}>
      <Icon name="warning" />
      <p>
        <strong>
          {words.since} {formatClock(link.lostAt / 1000)}.
        </strong>{" "}
        {store.state.value !== null && words.shown} {left > 0 ? words.retryIn(left) : words.retrying}
      </p>
      <button type="button" class="button" aria-disabled={left === 0} onClick={() => store.retryNow()}>
        {words.retryNow}
      </button>
    </section>
  );
}
