/** uPlot, told how a panel looks. Colours are the style sheet's and follow the light or dark scheme. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { formatMinute, formatThreshold, formatTicks } from "../format";
import { toneOf } from "../tones";
import type { Panel } from "../types";
import { extent } from "./spark-path";

const HEIGHT = 220;
const FAMILY = "system-ui, sans-serif";

const colour = (element: Element, name: string): string => getComputedStyle(element).getPropertyValue(`--${name}`);

const columns = (panel: Panel): uPlot.AlignedData => [
  panel.spark.map(([at]) => at),
  panel.spark.map(([, value]) => value),
];

export class Plot {
  private plot: uPlot;
  private readonly resized: ResizeObserver;
  private readonly scheme = matchMedia("(prefers-color-scheme: dark)");
  private readonly redraw = (): void => {
    this.plot.destroy();
    this.plot = this.make();
  };

  constructor(
    private readonly box: HTMLElement,
    private panel: Panel,
  ) {
    this.plot = this.make();
    this.resized = new ResizeObserver(() => this.plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    this.resized.observe(box);
    this.scheme.addEventListener("change", this.redraw);
  }

  show(panel: Panel): void {
    this.panel = panel;
    this.plot.setData(columns(panel));
  }

  destroy(): void {
    this.resized.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    this.plot.destroy();
  }

  private range(): [number, number] {
    const limits = this.panel.thresholds.map((threshold) => threshold.value);
    const values = this.panel.spark.map(([, value]) => value);
    const { low, high } = extent(values, limits);
    return [low, high];
  }

  private drawLimits(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `${12 * scale}px ${FAMILY}`;
    ctx.textAlign = "right";
    for (const threshold of this.panel.thresholds) {
      const y = Math.round(plot.valToPos(threshold.value, "y", true));
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(this.box, toneOf(threshold.severity));
      ctx.setLineDash([6 * scale, 4 * scale]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      const roomAbove = y - bbox.top > 20 * scale;
      const text = formatThreshold(threshold, this.panel.unit);
      ctx.fillText(text, bbox.left + bbox.width - 4 * scale, y + (roomAbove ? -8 : 16) * scale);
    }
    ctx.restore();
  }

  private make(): uPlot {
    const { box } = this;
    const axis: uPlot.Axis = {
      stroke: colour(box, "muted"),
      font: `12px ${FAMILY}`,
      grid: { stroke: colour(box, "line"), width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      width: box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: () => this.range() } },
      axes: [
        { ...axis, size: 32, values: (_plot, ticks) => ticks.map(formatMinute) },
        { ...axis, size: 64, values: (_plot, ticks) => formatTicks(ticks, this.panel.unit) },
      ],
      series: [
        {},
        { stroke: colour(box, "accent"), width: 1.75, fill: colour(box, "accent-faint"), points: { show: false } },
      ],
      hooks: { draw: [(plot) => this.drawLimits(plot)] },
    };
    return new uPlot(options, columns(this.panel), box);
  }
}
