/** Where a sparkline's points lie. Pure. */

export type Point = [number, number];

export interface SparkShape {
  line: string;
  area: string;
  /** Heights of the thresholds that lie near enough to the values to be drawn. */
  limits: number[];
  last: Point;
}

/** A threshold farther from the values than this many times their span would flatten the line. */
const NEAR = 1.5;
/** The least share of its size that a quiet line's height stands for. */
const CALM = 0.25;
/** A pause this much longer than the usual step is a gap in the data. */
const GAP = 3;

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Split points where values are missing. */
export function runs(points: Point[]): Point[][] {
  const step = median(points.slice(1).map(([at], index) => at - (points[index]?.[0] ?? at)));
  const parts: Point[][] = [];
  let before: number | null = null;
  for (const point of points) {
    if (before === null || point[0] - before > step * GAP) parts.push([]);
    parts.at(-1)?.push(point);
    before = point[0];
  }
  return parts;
}

/** Lowest and highest value to show: the data's and those of thresholds near it, with room above and below. */
export function extent(values: number[], limits: number[]): { low: number; high: number; near: number[] } {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const span = most - least || Math.abs(most) || 1;
  const near = limits.filter((limit) => limit >= least - span * NEAR && limit <= most + span * NEAR);
  const low = Math.min(least, ...near);
  const high = Math.max(most, ...near);
  // Nothing near to compare with: a jitter of a few percent must look like one, not like a storm.
  const wanted = near.length > 0 ? high - low || span : Math.max(high - low, Math.abs(most) * CALM) || 1;
  const room = (wanted - (high - low)) / 2 + wanted * 0.08;
  // What never falls below zero is not drawn as if it could.
  return { low: low >= 0 ? Math.max(low - room, 0) : low - room, high: high + room, near };
}

/** Paths in a box of the given size; null without two points to join. */
export function sparkShape(points: Point[], limits: number[], width: number, height: number): SparkShape | null {
  const first = points[0];
  const final = points.at(-1);
  if (first === undefined || final === undefined || points.length < 2 || final[0] <= first[0]) return null;
  const { low, high, near } = extent(
    points.map(([, value]) => value),
    limits,
  );
  const x = (at: number): number => Math.round(((at - first[0]) / (final[0] - first[0])) * width * 100) / 100;
  const y = (value: number): number => Math.round((1 - (value - low) / (high - low)) * height * 100) / 100;
  const parts = runs(points);
  const draw = (run: Point[]): string => run.map(([at, value]) => `${x(at)} ${y(value)}`).join("L");
  return {
    line: parts.map((run) => `M${draw(run)}`).join(""),
    area: parts.map((run) => `M${x(run[0]?.[0] ?? 0)} ${height}L${draw(run)}V${height}Z`).join(""),
    limits: near.map(y),
    last: [x(final[0]), y(final[1])],
  };
}
