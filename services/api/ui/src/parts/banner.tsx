import type { JSX } from "preact";

import type { LiveState } from "../model/reduce";
import { strings } from "../strings";
import { toneOf } from "../tones";
import { Icon } from "./icon";
import { Age } from "./time";

const words = strings.banner;

/** The one sentence for whoever has one second: is it fine, and is this current? */
export function Banner({ state, stale }: { state: LiveState; stale: boolean }): JSX.Element {
  const { overall, components } = state.health;
  const tone = toneOf(overall);
  const unwell = components.filter((component) => component.status !== "healthy");
  const worst = unwell.filter((component) => toneOf(component.status) === tone);
  const healthy = components.length - unwell.length;
  const named = overall === "operational" ? [] : (worst.length > 0 ? worst : unwell).map(({ title }) => title);
  return (
    <section class="banner" data-tone={tone} data-stale={stale ? "" : undefined} aria-label={words.label}>
      <Icon name={tone} tone={tone} />
      <div class="banner-text">
        <h1>
          {strings.overall[overall]}
          {named.length > 0 && <span class="banner-names">: {words.affected(named)}</span>}
        </h1>
        <p>
          {components.length > 0 && `${words.healthy(healthy, components.length)} · `}
          {words.alerts(state.alerts.length)}
          {overall === "unknown" && ` · ${words.unknownHelp}`}
        </p>
      </div>
      <p class="banner-age">
        {stale && <span class="stale-mark">{strings.link.stale}</span>}
        <span>
          {words.updated} <Age at={state.at} />
        </span>
      </p>
    </section>
  );
}
