import { describe, expect, it } from "vitest";

import { makeMetric, makeRecorded, makeTrends } from "../testing/trends";
import { NOW } from "../testing/world";
import { byHour, chartsOf, chosenView, endsOf, fixed, panned, questionOf, searchOf, viewOf, zoomed, type View } from "./trends";

const usual: View = { metrics: [], period: "24h", from: null, to: null, compare: false };

describe("the address", () => {
  it.each([
    ["", usual],
    ["?metric=a,b,a", { ...usual, metrics: ["a", "b"] }],
    ["?metric=tocsin%3Ax&period=7d&compare=week", { ...usual, metrics: ["tocsin:x"], period: "7d", compare: true }],
    ["?from=1000&to=5000", { ...usual, from: 1000, to: 5000 }],
    // What can't be shown is left out.
    ["?from=5000&to=1000", usual],
    ["?from=a&to=b", usual],
    ["?from=0&to=99999999999", usual],
    ["?period=toString", usual],
    ["?period=3y&compare=month", usual],
  ])("%s is read", (search, view) => expect(viewOf(search)).toEqual(view));

  it.each([usual, { ...usual, metrics: ["a", "tocsin:b"], period: "30d", compare: true }, { ...usual, from: 1000, to: 5000 }])(
    "comes back as it was",
    (view) => expect(viewOf(`?${searchOf(view)}`)).toEqual(view),
  );

  it("is short for what is usual", () => expect(searchOf(usual)).toBe(""));
});

it("asks the API for a period, or for a part of the past", () => {
  expect(questionOf(usual, ["a", "b"])).toBe("metrics=a%2Cb&period=24h");
  expect(questionOf({ ...usual, from: 1000, to: 5000, compare: true }, ["a"])).toBe("metrics=a&from=1000&to=5000&compare=week");
});

describe("moving", () => {
  it("pans half a length and stops at now", () => {
    const before = panned(usual, -1, NOW);
    expect([before.from, before.to]).toEqual([NOW - 129_600, NOW - 43_200]);
    expect(endsOf(panned(before, 1, NOW), NOW)).toEqual([NOW - 86_400, NOW]);
    expect(endsOf(panned(usual, 1, NOW), NOW)).toEqual([NOW - 86_400, NOW]);
  });

  it("zooms around the middle, neither below a minute nor into the future", () => {
    const near = zoomed(usual, 0.5, NOW);
    expect(endsOf(near, NOW)).toEqual([NOW - 64_800, NOW - 21_600]);
    expect(endsOf(zoomed(near, 2, NOW), NOW)).toEqual([NOW - 86_400, NOW]);
    expect(endsOf(zoomed(usual, 2, NOW), NOW)).toEqual([NOW - 172_800, NOW]);
    expect(endsOf(fixed(usual, NOW - 100, NOW - 99, NOW), NOW)).toEqual([NOW - 129, NOW - 69].map((at) => at));
    const longest = fixed(usual, 0, NOW, NOW);
    expect((longest.to ?? 0) - (longest.from ?? 0)).toBe(400 * 86_400);
  });
});

describe("charts", () => {
  it("put metrics of one unit together and give each line a colour", () => {
    const charts = chartsOf(makeTrends([makeMetric(), makeMetric({ key: "b", unit: "seconds" }), makeMetric({ key: "c" })]));
    expect(charts.map((chart) => [chart.unit, chart.lines.map((line) => line.colour)])).toEqual([
      ["count", [1, 3]],
      ["seconds", [2]],
    ]);
  });

  it("place points by their time, bridge short pauses and show long ones", () => {
    const at = (index: number, value: number): [number, number, number, number] => [NOW + index * 60, value, value - 1, value + 1];
    const metric = makeMetric({}, [at(-1, 9), at(0, 1), at(2, 2), at(8, 3), at(99, 9)]);
    const [chart] = chartsOf(makeTrends([metric], { start: NOW, end: NOW + 600 }));
    expect(chart?.times).toHaveLength(10);
    const [line] = chart?.lines ?? [];
    expect(line?.avg).toEqual([1, undefined, 2, null, null, null, null, null, 3, undefined]);
    expect(line?.min[8]).toBe(2);
    expect(line?.max[8]).toBe(4);
    expect(line?.compared).toEqual([]);
  });

  it("name lines by their labels where there are several", () => {
    const one = makeMetric();
    const series = one.series[0];
    if (series === undefined) throw new Error("no series");
    const two = { ...one, series: [{ ...series, labels: { queue: "a" } }, { ...series, labels: { queue: "b" } }] };
    expect(chartsOf(makeTrends([two]))[0]?.lines.map((line) => line.label)).toEqual([
      "Celery queue (queue=a)",
      "Celery queue (queue=b)",
    ]);
    expect(chartsOf(makeTrends([one]))[0]?.lines[0]?.label).toBe("Celery queue");
  });

  it("leave out metrics without a series", () => {
    expect(chartsOf(makeTrends([{ ...makeMetric(), series: [] }]))).toEqual([]);
  });
});

describe("ready-made selections", () => {
  it("choose what is recorded of them, for a time that moves", () => {
    const all = [makeRecorded(), makeRecorded({ key: "celery_failures" }), makeRecorded({ key: "payments" })];
    const still = { ...usual, from: 1000, to: 5000, compare: true };
    expect(chosenView(still, "celery", all)).toEqual({ ...usual, metrics: ["celery_queue", "celery_failures"], compare: true });
    expect(chosenView(usual, "database", all)).toBeNull();
    expect(chosenView(usual, "nothing", all)).toBeNull();
  });
});

describe("a usual day", () => {
  const hourOf = (at: number): number => Math.floor(at / 3600) % 24;
  const points = Array.from({ length: 48 }, (_, hour): [number, number, number, number] => [hour * 3600, hour, 0, 99]);

  it("is the mean of each hour", () => {
    const trends = makeTrends([makeMetric({}, points.slice(0, 47))], { start: 0, end: 172_800, step: 3600 });
    const [hours] = byHour(trends, chartsOf(trends), hourOf);
    expect(hours?.means[0]).toBe(12);
    expect(hours?.means[5]).toBe(17);
    expect(hours?.means[23]).toBe(23);
  });

  it("has gaps where nothing was recorded", () => {
    const trends = makeTrends([makeMetric({}, points.slice(0, 3))], { start: 0, end: 172_800, step: 3600 });
    expect(byHour(trends, chartsOf(trends), hourOf)[0]?.means.filter((mean) => mean !== null)).toEqual([0, 1, 2]);
  });

  it.each([
    [86_400, 3600],
    [2_592_000, 7200],
  ])("is not told of %i s in steps of %i s", (end, step) => {
    const trends = makeTrends([makeMetric()], { start: 0, end, step });
    expect(byHour(trends, chartsOf(trends), hourOf)).toEqual([]);
  });
});
