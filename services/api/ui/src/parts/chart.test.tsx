import { cleanup, render, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { makePanel, NOW } from "../testing/world";
import { Chart } from "./chart";

interface Drawn {
  options: {
    scales: { y: { range: () => [number, number] } };
    axes: { values: (plot: unknown, ticks: number[]) => string[] }[];
    hooks: { draw: ((plot: unknown) => void)[] };
  };
  data: number[][];
  destroyed: boolean;
  sizes: unknown[];
}

const drawn: Drawn[] = [];

// happy-dom has no canvas; what Chromium draws is looked at in tests/browser.
vi.mock("uplot", () => ({
  default: class {
    private readonly own: Drawn;
    constructor(options: Drawn["options"], data: number[][]) {
      this.own = { options, data, destroyed: false, sizes: [] };
      drawn.push(this.own);
    }
    setData(data: number[][]): void {
      this.own.data = data;
    }
    setSize(size: unknown): void {
      this.own.sizes.push(size);
    }
    destroy(): void {
      this.own.destroyed = true;
    }
  },
}));

let schemeChanged: () => void = () => undefined;

beforeEach(() => {
  drawn.length = 0;
  vi.stubGlobal("matchMedia", () => ({
    addEventListener: (_kind: string, listener: () => void) => {
      schemeChanged = listener;
    },
    removeEventListener: () => undefined,
  }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const last = (): Drawn => {
  const plot = drawn.at(-1);
  if (plot === undefined) throw new Error("nothing drawn yet");
  return plot;
};

it("draws the values, follows new ones and the colour scheme, and cleans up", async () => {
  const page = render(<Chart panel={makePanel()} />);
  await waitFor(() => last());
  page.getByRole("img", { name: /^Celery queue\. Last 15 minutes: lowest 6/ });
  expect(last().data[1]).toEqual([6, 30, 47]);
  const [low, high] = last().options.scales.y.range();
  expect(low).toBeLessThan(6);
  expect(high).toBeGreaterThan(47);
  expect(last().options.axes[1]?.values(null, [10, 20])).toEqual(["10", "20"]);
  expect(last().options.axes[0]?.values(null, [NOW])).toHaveLength(1);

  const longer = makePanel({ spark: [...makePanel().spark, [NOW + 15, 50]] });
  page.rerender(<Chart panel={longer} />);
  await waitFor(() => expect(last().data[1]).toEqual([6, 30, 47, 50]));

  schemeChanged();
  expect(drawn).toHaveLength(2);
  expect(drawn[0]?.destroyed).toBe(true);
  page.unmount();
  expect(last().destroyed).toBe(true);
});

it("draws the thresholds that are in sight, with their names", async () => {
  const thresholds = [
    { severity: "warning" as const, op: ">" as const, value: 20, rule: "Near" },
    { severity: "critical" as const, op: ">" as const, value: 9000, rule: "Far" },
  ];
  render(<Chart panel={makePanel({ thresholds })} />);
  await waitFor(() => last());
  const texts: string[] = [];
  const context = new Proxy(
    { fillText: (text: string) => texts.push(text) },
    { get: (target, key) => Reflect.get(target, key) ?? (() => undefined), set: () => true },
  );
  const bbox = { left: 0, top: 0, width: 100, height: 100 };
  last().options.hooks.draw[0]?.({ ctx: context, bbox, valToPos: (value: number) => 100 - value });
  expect(texts.map((text) => text.replaceAll("\u00a0", " "))).toEqual(["warning > 20"]);
});

it("draws nothing from too few values", () => {
  const page = render(<Chart panel={makePanel({ spark: [] })} />);
  page.getByText("No values in the last 15 minutes.");
  expect(drawn).toHaveLength(0);
});

it("does not draw what was left before the library came", async () => {
  render(<Chart panel={makePanel()} />).unmount();
  await import("./plot");
  await Promise.resolve();
  expect(drawn).toHaveLength(0);
});
