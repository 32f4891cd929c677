/** uPlot, told how lines with a band of extremes look. Colours are the style sheet's and follow the scheme. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { formatMoment, formatThreshold, formatTicks } from "../format";
import type { ChartData, Line, Marker } from "../model/trends";
import { toneOf } from "../tones";

const HEIGHT = 280;
const FAMILY = "system-ui, sans-serif";
const SYNC = "trends";
const LEAST_DRAG = 8;
/** Beyond a day a tick names its date too. */
const A_DAY = 86_400;
const [SHORT_LABEL, LONG_LABEL] = [70, 130];

export interface Shown {
  data: ChartData;
  markers: Marker[];
  onZoom: (from: number, to: number) => void;
  onCursor: (index: number | null) => void;
}

const colour = (element: Element, name: string): string =>
  getComputedStyle(element).getPropertyValue(`--${name}`).trim();

/** Which values stand alone, a young record's first for one: a line of one point would not be seen. */
const alone = (plot: uPlot, series: number): number[] => {
  const values = plot.data[series] ?? [];
  const there = [...values.keys()].filter((index) => typeof values[index] === "number");
  const apart = (from: number, to: number): boolean => [...values.slice(from + 1, to)].some((value) => value === null);
  return there.filter((index, at) => {
    const [before, after] = [there[at - 1], there[at + 1]];
    return (before === undefined || apart(before, index)) && (after === undefined || apart(index, after));
  });
};

/** Columns of a line: mean, highest, lowest, and the week before where it was asked for. */
const columnsOf = (line: Line): uPlot.AlignedData[number][] => [
  line.avg as number[],
  line.max as number[],
  line.min as number[],
  ...(line.compared.length > 0 ? [line.compared as number[]] : []),
];

const alignedOf = (data: ChartData): uPlot.AlignedData => [data.times, ...data.lines.flatMap(columnsOf)];

export class HistoryPlot {
  private plot: uPlot;
  private readonly resized: ResizeObserver;
  private readonly scheme = matchMedia("(prefers-color-scheme: dark)");
  private readonly redraw = (): void => {
    this.plot.destroy();
    this.plot = this.make();
  };

  constructor(
    private readonly box: HTMLElement,
    private shown: Shown,
  ) {
    this.plot = this.make();
    this.resized = new ResizeObserver(() => this.plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    this.resized.observe(box);
    this.scheme.addEventListener("change", this.redraw);
  }

  show(shown: Shown): void {
    this.shown = shown;
    this.redraw();
  }

  destroy(): void {
    this.resized.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    this.plot.destroy();
  }

  private series(): { series: uPlot.Series[]; bands: uPlot.Band[] } {
    const series: uPlot.Series[] = [{}];
    const bands: uPlot.Band[] = [];
    for (const line of this.shown.data.lines) {
      const stroke = colour(this.box, `series-${line.colour}`);
      const first = series.length;
      const points = { show: false };
      series.push({ stroke, width: 1.75, points: { show: true, size: 5, filter: alone } });
      series.push({ points, width: 0 }, { points, width: 0 });
      bands.push({ series: [first + 1, first + 2], fill: `${stroke}26` });
      if (line.compared.length > 0) series.push({ stroke, width: 1.25, dash: [4, 4], points });
    }
    return { series, bands };
  }

  private drawMarkers(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio;
    ctx.save();
    for (const marker of this.shown.markers) {
      const x = Math.round(plot.valToPos(marker.at, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      const deployed = marker.kind === "deployment";
      ctx.strokeStyle = ctx.fillStyle = colour(this.box, deployed ? "accent" : toneOf(marker.severity));
      ctx.setLineDash(deployed ? [] : [2 * scale, 3 * scale]);
      ctx.lineWidth = scale;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.beginPath();
      // Told apart by shape too: a deployment points up, an alert down.
      const [tip, base] = deployed ? [0, 8] : [8, 0];
      ctx.moveTo(x, bbox.top + tip * scale);
      ctx.lineTo(x - 5 * scale, bbox.top + base * scale);
      ctx.lineTo(x + 5 * scale, bbox.top + base * scale);
      ctx.fill();
    }
    ctx.restore();
  }

  private drawLimits(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `${12 * scale}px ${FAMILY}`;
    ctx.textAlign = "right";
    for (const threshold of this.shown.data.thresholds) {
      const y = Math.round(plot.valToPos(threshold.value, "y", true));
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(this.box, toneOf(threshold.severity));
      ctx.setLineDash([6 * scale, 4 * scale]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(formatThreshold(threshold, this.shown.data.unit), bbox.left + bbox.width - 4 * scale, y - 6 * scale);
    }
    ctx.restore();
  }

  private selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < LEAST_DRAG) return;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.shown.onZoom(from, to);
  }

  private make(): uPlot {
    const { box, shown } = this;
    const axis: uPlot.Axis = {
      stroke: colour(box, "muted"),
      font: `12px ${FAMILY}`,
      grid: { stroke: colour(box, "line"), width: 1 },
      ticks: { show: false },
    };
    const span = (shown.data.times.at(-1) ?? 0) - (shown.data.times[0] ?? 0);
    const options: uPlot.Options = {
      width: box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, sync: { key: SYNC, setSeries: false } },
      axes: [
        { ...axis, size: 32, space: span > A_DAY ? LONG_LABEL : SHORT_LABEL, values: (_plot, ticks) => ticks.map((tick) => formatMoment(tick, span)) },
        { ...axis, size: 68, values: (_plot, ticks) => formatTicks(ticks, shown.data.unit) },
      ],
      ...this.series(),
      hooks: {
        draw: [(plot) => this.drawMarkers(plot), (plot) => this.drawLimits(plot)],
        setSelect: [(plot) => this.selected(plot)],
        setCursor: [(plot) => this.shown.onCursor(plot.cursor.idx ?? null)],
      },
    };
    return new uPlot(options, alignedOf(shown.data), box);
  }
}
