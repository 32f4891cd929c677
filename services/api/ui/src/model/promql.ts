/** What is being written at a place of a PromQL expression, and what could stand there. Pure. */

import type { Vocabulary } from "../types";

/** `from`: where the word that is being written begins; `metric`: whose labels, "" where the expression names none yet. */
export interface Wanted {
  kind: "name" | "label" | "value";
  from: number;
  word: string;
  metric: string;
  label: string;
}

export interface Suggestion {
  text: string;
  /** What replaces the word. */
  insert: string;
  detail: string;
}

export type Labels = Record<string, string[]>;

const MOST = 12;
/** So many letters are needed to look for them inside of names. */
const LEAST_INSIDE = 3;
const KEYWORDS = ["and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool"];
const NAME = /[a-zA-Z_:][\w:]*$/;
const LABEL = /[a-zA-Z_]\w*$/;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$/i;

interface Place {
  /** Where the text in quotes begins, its quote left out; -1 outside. */
  quoted: number;
  /** Where the braces opened; -1 outside. */
  braces: number;
  bracket: boolean;
  comment: boolean;
}

function placeOf(text: string): Place {
  const place: Place = { quoted: -1, braces: -1, bracket: false, comment: false };
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (place.comment) place.comment = sign !== "\n";
    else if (quote !== "") {
      if (sign === "\\" && quote !== "`") at++;
      else if (sign === quote) {
        quote = "";
        place.quoted = -1;
      }
    } else if (sign === '"' || sign === "'" || sign === "`") {
      quote = sign;
      place.quoted = at + 1;
    } else if (sign === "{") place.braces = at;
    else if (sign === "}") place.braces = -1;
    else if (sign === "[") place.bracket = true;
    else if (sign === "]") place.bracket = false;
    else if (sign === "#") place.comment = true;
  }
  return place;
}

const tail = (text: string, what: RegExp): string => what.exec(text)?.[0] ?? "";

/** Null where nothing can be suggested: in a number, a duration, a comment, a text that is no label's value. */
export function wantedAt(text: string, caret: number, isMetric: (name: string) => boolean): Wanted | null {
  const before = text.slice(0, caret);
  const { quoted, braces, bracket, comment } = placeOf(before);
  if (comment || bracket) return null;
  if (braces >= 0) {
    const metric = tail(before.slice(0, braces).trimEnd(), NAME);
    if (quoted >= 0) {
      const label = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*$/.exec(before.slice(braces, quoted - 1))?.[1] ?? "";
      return label === "" ? null : { kind: "value", from: quoted, word: before.slice(quoted), metric, label };
    }
    const word = tail(before, LABEL);
    const open = /[{,]\s*$/.test(before.slice(0, caret - word.length));
    return open ? { kind: "label", from: caret - word.length, word, metric, label: "" } : null;
  }
  if (quoted >= 0) return null;
  if (GROUPING.test(before)) {
    const word = tail(before, LABEL);
    const metric = (text.match(/[a-zA-Z_:][\w:]*/g) ?? []).find(isMetric) ?? "";
    return { kind: "label", from: caret - word.length, word, metric, label: "" };
  }
  const word = tail(before, NAME);
  const from = caret - word.length;
  return word === "" || /[\d.]$/.test(before.slice(0, from)) ? null : { kind: "name", from, word, metric: "", label: "" };
}

/** Those that begin with the word, then those that hold it; one that is written out already is no help. */
function fitting(all: Suggestion[], word: string): Suggestion[] {
  const low = word.toLowerCase();
  const place = (one: Suggestion): number => one.text.toLowerCase().indexOf(low);
  return all
    .filter((one) => one.text !== word && (place(one) === 0 || (place(one) > 0 && low.length >= LEAST_INSIDE)))
    .toSorted((a, b) => Math.min(place(a), 1) - Math.min(place(b), 1))
    .slice(0, MOST);
}

export function suggestions(wanted: Wanted, words: Vocabulary, labels: Labels, details: Record<string, string>): Suggestion[] {
  const plain = (detail: string) => (text: string): Suggestion => ({ text, insert: text, detail });
  if (wanted.kind === "label") return fitting(Object.keys(labels).map(plain("")), wanted.word);
  if (wanted.kind === "value") return fitting((labels[wanted.label] ?? []).map(plain("")), wanted.word);
  return fitting(
    [
      ...words.metrics.map(plain(details["metric"] ?? "")),
      ...words.functions.map(({ name, signature, doc }) => ({ text: name, insert: `${name}(`, detail: `${signature}: ${doc}` })),
      ...words.aggregations.map((name) => ({ text: name, insert: `${name}(`, detail: details["aggregation"] ?? "" })),
      ...KEYWORDS.map(plain(details["keyword"] ?? "")),
    ],
    wanted.word,
  );
}
