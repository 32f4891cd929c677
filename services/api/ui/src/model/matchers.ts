/** Silences' matchers as people write them, one a line: `alertname="ApiSlow"`. Pure. */

import type { Alert, Matcher } from "../types";

/** Labels that say what kind of alert it is; the others tell which one. */
const COARSE = new Set(["severity", "category", "component", "job", "impact"]);
const LINE = /^\s*([^=!~\s]+)\s*(=~|!~|!=|=)\s*(.*?)\s*,?\s*$/;

const unquote = (text: string): string => {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
};

/** The matchers of a text, and the lines that are none. */
export function parseMatchers(text: string): { matchers: Matcher[]; wrong: string[] } {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const matchers: Matcher[] = [];
  const wrong: string[] = [];
  for (const line of lines) {
    const found = LINE.exec(line);
    if (found === null) wrong.push(line.trim());
    else matchers.push({ name: found[1] ?? "", op: (found[2] ?? "=") as Matcher["op"], value: unquote(found[3] ?? "") });
  }
  return { matchers, wrong };
}

export const matcherText = ({ name, op, value }: Matcher): string => `${name}${op}${JSON.stringify(value)}`;

/** What silences this alert and its repeats, and nothing else of the same rule elsewhere. */
export const matchersOf = (alert: Alert): string =>
  Object.entries(alert.labels)
    .filter(([name]) => !COARSE.has(name))
    .map(([name, value]) => matcherText({ name, op: "=", value }))
    .join("\n");
