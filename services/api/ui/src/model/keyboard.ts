/** Single-key shortcuts. They press the page's own buttons, so that both ways do the same. */

import { navigate } from "./router";

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const cards = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("[data-alert]")];

/** The alert that has the focus, in whole or in part; on an alert's own page that one. */
function focused(): HTMLElement | null {
  const within = document.activeElement?.closest<HTMLElement>("[data-alert]");
  return within ?? document.querySelector<HTMLElement>("[data-alert-page]");
}

function press(selector: string): void {
  focused()?.querySelector<HTMLElement>(selector)?.click();
}

function move(step: number): void {
  const all = cards();
  const at = all.findIndex((card) => card.contains(document.activeElement));
  const next = at === -1 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  all[next]?.focus();
}

/** Listen for shortcuts; returns what ends it. */
export function listenForKeys(onHelp: () => void): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.key === "Enter") {
      // Only on the card itself: inside it, Enter belongs to the button or link.
      if (event.target instanceof HTMLElement && event.target.matches("[data-alert]")) press("[data-open]");
      return;
    }
    const actions: Record<string, () => void> = {
      a: () => press("[data-acknowledge]"),
      c: () => press("[data-comment]"),
      s: () => press("[data-silence]"),
      x: () => press("[data-select]"),
      "/": () => document.querySelector<HTMLElement>("[data-search]")?.focus(),
      l: () => navigate("/alerts"),
      j: () => move(1),
      k: () => move(-1),
      g: () => navigate("/"),
      "?": onHelp,
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
