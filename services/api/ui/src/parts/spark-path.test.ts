import { describe, expect, it } from "vitest";

import { extent, runs, sparkShape, type Point } from "./spark-path";

describe("runs", () => {
  it("splits where values are missing", () => {
    const points: Point[] = [0, 15, 30, 120, 135].map((at) => [at, 1]);
    expect(runs(points).map((run) => run.map(([at]) => at))).toEqual([
      [0, 15, 30],
      [120, 135],
    ]);
  });
});

describe("extent", () => {
  it("takes in a threshold near the values and leaves out a far one", () => {
    const { low, high, near } = extent([80, 120], [100, 1000]);
    expect(near).toEqual([100]);
    expect(low).toBeLessThan(80);
    expect(high).toBeGreaterThan(120);
    expect(high).toBeLessThan(200);
  });

  it("shows a small jitter as small", () => {
    const { low, high } = extent([100, 101], []);
    expect(high - low).toBeGreaterThan(25);
  });

  it("has a height for a flat line, at zero too, and does not go below zero", () => {
    for (const values of [[0, 0], [5, 5]]) {
      const { low, high } = extent(values, []);
      expect(high).toBeGreaterThan(low);
      expect(low).toBeGreaterThanOrEqual(0);
    }
    expect(extent([-5, -4], []).low).toBeLessThan(-5);
  });
});

describe("sparkShape", () => {
  const rising: Point[] = [
    [0, 0],
    [10, 10],
  ];

  it("draws from left to right, higher values higher", () => {
    const shape = sparkShape(rising, [5], 100, 20);
    const [left, right] = shape?.line.slice(1).split("L").map((pair) => pair.split(" ").map(Number)) ?? [];
    expect(left?.[0]).toBe(0);
    expect(right?.[0]).toBe(100);
    expect(right?.[1]).toBeLessThan(left?.[1] ?? 0);
    expect(shape?.limits).toHaveLength(1);
    expect(shape?.area).toMatch(/^M0 20L.*V20Z$/);
  });

  it("draws nothing from fewer than two moments", () => {
    expect(sparkShape([], [], 100, 20)).toBeNull();
    expect(sparkShape([[0, 1]], [], 100, 20)).toBeNull();
    expect(
      sparkShape(
        [
          [1, 1],
          [1, 2],
        ],
        [],
        100,
        20,
      ),
    ).toBeNull();
  });
});
