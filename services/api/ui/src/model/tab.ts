/** Title and icon of the browser's tab, for whoever has the page in the background. */

import { strings } from "../strings";
import type { LiveState } from "./reduce";

export interface Tab {
  title: string;
  icon: string;
}

/** What the tab shows; without a live feed the state is not known, whatever was seen last. */
export function tabOf(state: LiveState | null, stale: boolean): Tab {
  if (state === null) return { title: strings.product, icon: "/icons/unknown.svg" };
  if (stale) return { title: strings.title(strings.link.lost, state.alerts.length), icon: "/icons/unknown.svg" };
  const { overall } = state.health;
  return { title: strings.title(strings.overallShort[overall], state.alerts.length), icon: `/icons/${overall}.svg` };
}

export function showTab({ title, icon }: Tab): void {
  document.title = title;
  const link = document.querySelector<HTMLLinkElement>("#favicon");
  if (link !== null && link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}
