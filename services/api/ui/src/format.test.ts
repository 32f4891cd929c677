import { describe, expect, it } from "vitest";

import * as format from "./format";
import type { Unit } from "./types";

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

describe("values", () => {
  it.each<[number | null, Unit, string]>([
    [null, "seconds", "no value"],
    [0, "seconds", "0 ms"],
    [0.0000042, "seconds", "4.2 µs"],
    [0.0847, "seconds", "84.7 ms"],
    [0.9994, "seconds", "999 ms"],
    [1.234, "seconds", "1.23 s"],
    [125, "seconds", "2.08 min"],
    [10_800, "seconds", "3 h"],
    [-0.05, "seconds", "-50 ms"],
    [0, "ratio", "0%"],
    [0.0021, "ratio", "0.21%"],
    [0.41, "ratio", "41%"],
    [0.99996, "ratio", "99.99%"],
    [1, "ratio", "100%"],
    [1.5, "ratio", "150%"],
    [0, "count", "0"],
    [2.25, "count", "2.3"],
    [9999, "count", "9,999"],
    [1_250_000, "count", "1.3M"],
    [187.44, "per_second", "187/s"],
    [3.217, "per_second", "3.22/s"],
    [0, "bytes", "0 B"],
    [0.4, "bytes", "0.4 B"],
    [1536, "bytes", "1.5 KiB"],
    [3 * 1024 ** 3, "bytes", "3 GiB"],
    [2 ** 62, "bytes", "4,096 PiB"],
  ])("%s %s is %s", (value, unit, text) => {
    expect(plain(format.formatValue(value, unit))).toBe(text);
  });

  it("names a threshold by severity and sign", () => {
    const limit = { severity: "critical", op: ">=", value: 1, rule: "R" } as const;
    expect(plain(format.formatThreshold(limit, "seconds"))).toBe("critical ≥ 1 s");
  });

  it.each([
    [0.124, "+12%"],
    [-0.034, "−3.4%"],
    [0, "0%"],
    [10, "×11"],
  ])("a change of %s is %s", (change, text) => {
    expect(format.formatChange(change)).toBe(text);
  });

  it.each<[number[], Unit, string[]]>([
    [[0.08, 0.1, 0.12], "seconds", ["80 ms", "100 ms", "120 ms"]],
    [[0.9, 1, 1.1], "seconds", ["0.9 s", "1 s", "1.1 s"]],
    [[0.00425, 0.0045], "ratio", ["0.425%", "0.45%"]],
    [[3.5, 3.75, 4], "count", ["3.5", "3.75", "4"]],
    [[10_000, 20_000], "count", ["10K", "20K"]],
    [[0, 512 * 1024, 1024 ** 2], "bytes", ["0 MiB", "0.5 MiB", "1 MiB"]],
    [[5], "per_second", ["5/s"]],
  ])("ticks %s in %s tell themselves apart", (ticks, unit, texts) => {
    expect(format.formatTicks(ticks, unit).map(plain)).toEqual(texts);
  });
});

describe("times", () => {
  it.each([
    [-5, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [7199, "1 h"],
    [172_800, "2 d"],
  ])("a span of %s is %s", (span, text) => {
    expect(plain(format.formatSpan(span))).toBe(text);
  });

  it.each([
    [0, "0 s"],
    [42, "42 s"],
    [252, "4 min 12 s"],
    [3600, "1 h"],
    [97_200, "1 d 3 h"],
    [86_405, "1 d"],
  ])("a duration of %s is %s", (span, text) => {
    expect(plain(format.formatDuration(span))).toBe(text);
  });

  it("tells an age, and now for a clock that is behind", () => {
    expect(plain(format.formatAge(100, 142))).toBe("42 s ago");
    expect(format.formatAge(100, 99)).toBe("just now");
    expect(format.formatAge(null, 100)).toBe("never");
  });

  it("shows times in the viewer's zone", () => {
    const at = Date.UTC(2026, 0, 5, 12, 30, 7) / 1000;
    const local = new Date(at * 1000);
    expect(format.formatClock(at)).toContain(String(local.getMinutes()));
    expect(format.formatMinute(at)).not.toContain("07");
    expect(format.formatTime(at)).toContain("2026");
  });
});
