import { expect, it } from "vitest";

import type { Vocabulary } from "../types";
import { suggestions, wantedAt, type Wanted } from "./promql";

const WORDS: Vocabulary = {
  metrics: ["http_requests_total", "tocsin:celery_queue_length", "up"],
  functions: [
    { name: "rate", signature: "rate(v range-vector)", doc: "Per-second increase." },
    { name: "irate", signature: "irate(v range-vector)", doc: "Of the last two samples." },
  ],
  aggregations: ["sum", "count"],
};
const isMetric = (name: string): boolean => WORDS.metrics.includes(name);
const DETAILS = { metric: "metric", aggregation: "aggregation", keyword: "keyword" };

/** The caret stands where the bar is. */
function at(text: string): Wanted | null {
  const caret = text.indexOf("|");
  return wantedAt(text.replace("|", ""), caret, isMetric);
}

it.each([
  ["htt|", { kind: "name", from: 0, word: "htt" }],
  ["sum(rate(http_re|", { kind: "name", from: 9, word: "http_re" }],
  ["up > 3 and tocsin:ce|", { kind: "name", from: 11, word: "tocsin:ce" }],
  ["up{|", { kind: "label", from: 3, word: "", metric: "up" }],
  ['up{job="a",inst|', { kind: "label", from: 11, word: "inst", metric: "up" }],
  ['up {job=~"a|"}', { kind: "value", from: 10, word: "a", metric: "up", label: "job" }],
  ['up{job="a\\"}b|', { kind: "value", from: 8, word: 'a\\"}b', metric: "up", label: "job" }],
  ["sum by (ins|) (up)", { kind: "label", from: 8, word: "ins", metric: "up" }],
  ["sum(up) without(a, |)", { kind: "label", from: 19, word: "", metric: "up" }],
  ["rate(up[5|", null],
  ["up > 1e|", null],
  ["up > 0.5|", null],
  ["up # wh|", null],
  ['label_replace(up, "a|', null],
  ["up{job=|", null],
  ['up{"job|', null],
  ["|", null],
])("knows what is written at %s", (text, expected) => {
  if (expected === null) expect(at(text)).toBeNull();
  else expect(at(text)).toMatchObject(expected);
});

const texts = (text: string, labels = {}): string[] => {
  const wanted = at(text);
  return wanted === null ? [] : suggestions(wanted, WORDS, labels, DETAILS).map((one) => one.text);
};

it("puts what begins so before what holds it", () => {
  expect(texts("rat|")).toEqual(["rate", "irate"]);
  expect(texts("QUEUE|")).toEqual(["tocsin:celery_queue_length"]);
  expect(texts("u|")).toEqual(["up", "unless"]);
  expect(texts("up|")).toEqual([]);
});

it("opens the bracket of a function and shows its signature", () => {
  const wanted = at("rat|");
  expect(wanted && suggestions(wanted, WORDS, {}, DETAILS)[0]).toEqual({
    text: "rate", insert: "rate(", detail: "rate(v range-vector): Per-second increase.",
  });
});

it("gives the labels of the metric and their values", () => {
  const labels = { instance: ["a:1", "b:2"], job: ["api"] };
  expect(texts("up{|", labels)).toEqual(["instance", "job"]);
  expect(texts('up{instance="b|', labels)).toEqual(["b:2"]);
  expect(texts('up{nothing="b|', labels)).toEqual([]);
});

it("shows at most a dozen", () => {
  const many = { ...WORDS, metrics: Array.from({ length: 5000 }, (_, number) => `m_${number}`) };
  const wanted = at("m|");
  expect(wanted && suggestions(wanted, many, {}, DETAILS)).toHaveLength(12);
});
