/** Numbers, units, ages and times as people read them. */

import { strings } from "./strings";
import type { Threshold, Unit } from "./types";

/** A number and its unit, apart so that the unit can be set smaller. */
export interface Reading {
  number: string;
  unit: string;
}

const numeral = (value: number, digits: number): string =>
  new Intl.NumberFormat(strings.locale, { maximumFractionDigits: digits }).format(value);

/** Three significant digits at most, whole numbers whole. */
function significant(value: number): string {
  const size = Math.abs(value);
  return numeral(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function seconds(value: number): Reading {
  const size = Math.abs(value);
  if (size === 0) return { number: "0", unit: "ms" };
  if (size < 0.001) return { number: significant(value * 1e6), unit: "µs" };
  if (size < 1) return { number: significant(value * 1e3), unit: "ms" };
  if (size < 120) return { number: significant(value), unit: "s" };
  if (size < 7200) return { number: significant(value / 60), unit: "min" };
  return { number: significant(value / 3600), unit: "h" };
}

function ratio(value: number): Reading {
  const percent = value * 100;
  const size = Math.abs(percent);
  // 99.996 % must not be shown as 100: cut, don't round, where the last hundredths are the message.
  if (size >= 99 && size < 100) return { number: numeral(Math.trunc(percent * 100) / 100, 2), unit: "%" };
  return { number: numeral(percent, size >= 10 ? 1 : 2), unit: "%" };
}

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function bytes(value: number): Reading {
  const step = value === 0 ? 0 : Math.min(Math.floor(Math.log2(Math.abs(value)) / 10), BYTES.length - 1);
  return { number: significant(value / 1024 ** Math.max(step, 0)), unit: BYTES[Math.max(step, 0)] ?? "B" };
}

function count(value: number): Reading {
  if (Math.abs(value) < 10_000) return { number: numeral(value, Number.isInteger(value) ? 0 : 1), unit: "" };
  const short = new Intl.NumberFormat(strings.locale, { notation: "compact", maximumFractionDigits: 1 });
  return { number: short.format(value), unit: "" };
}

/** Split a value into number and unit. */
export function reading(value: number, unit: Unit): Reading {
  switch (unit) {
    case "seconds":
      return seconds(value);
    case "ratio":
      return ratio(value);
    case "bytes":
      return bytes(value);
    case "per_second":
      return { number: significant(value), unit: "/s" };
    default:
      return count(value);
  }
}

/** The marks of an axis: one unit for all, and as many digits as tell them apart. */
export function formatTicks(ticks: number[], unit: Unit): string[] {
  const largest = Math.max(...ticks.map(Math.abs));
  const whole = reading(largest, unit).unit;
  const factor = FACTORS[whole] ?? 1;
  const step = Math.abs((ticks[1] ?? largest) - (ticks[0] ?? 0)) * factor;
  if (unit === "count" && largest >= 10_000) return ticks.map((tick) => formatValue(tick, unit));
  const digits = [0, 1, 2, 3, 4, 5].find((places) => Math.abs(Number(step.toFixed(places)) - step) < step / 1e3) ?? 6;
  return ticks.map((tick) => join({ number: numeral(tick * factor, digits), unit: whole }));
}

/** What a value is multiplied by to be shown in a unit. */
const FACTORS: Record<string, number> = {
  "%": 100,
  µs: 1e6,
  ms: 1e3,
  min: 1 / 60,
  h: 1 / 3600,
  ...Object.fromEntries(BYTES.map((name, power) => [name, 1024 ** -power])),
};

const join = ({ number, unit }: Reading): string =>
  unit === "" || unit === "%" || unit === "/s" ? `${number}${unit}` : `${number}\u00a0${unit}`;

/** A value with its unit as one text; percent and `/s` stand close, other units apart. */
export function formatValue(value: number | null, unit: Unit): string {
  if (value === null) return strings.panel.noValue;
  return join(reading(value, unit));
}

const OPERATORS: Record<string, string> = { ">=": "≥", "<=": "≤", "!=": "≠", "==": "=" };

/** `warning > 100 ms`. */
export function formatThreshold(threshold: Threshold, unit: Unit): string {
  const severity = (strings.severity[threshold.severity] ?? threshold.severity).toLowerCase();
  const operator = OPERATORS[threshold.op] ?? threshold.op;
  return `${severity}\u00a0${operator}\u00a0${formatValue(threshold.value, unit)}`;
}

/** A relative change: `+12%`; from tenfold on as a factor. */
export function formatChange(change: number): string {
  if (change >= 9) return `×${numeral(change + 1, 0)}`;
  const sign = change > 0 ? "+" : change < 0 ? "−" : "";
  const percent = Math.abs(change) * 100;
  return `${sign}${numeral(percent, percent < 10 ? 1 : 0)}%`;
}

/** The largest unit of a length of time: `42 s`, `5 min`, `3 h`, `2 d`. */
export function formatSpan(span: number): string {
  const whole = Math.max(0, Math.floor(span));
  const { second, minute, hour, day } = strings.time;
  if (whole < 60) return `${whole}\u00a0${second}`;
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00a0${minute}`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}\u00a0${hour}`;
  return `${Math.floor(whole / 86_400)}\u00a0${day}`;
}

/** The two largest units: `4 min 12 s`, `1 d 3 h`. */
export function formatDuration(span: number): string {
  const whole = Math.max(0, Math.floor(span));
  const steps = [86_400, 3600, 60, 1];
  const at = steps.findIndex((step) => whole >= step);
  const step = steps[at];
  if (step === undefined) return formatSpan(0);
  const rest = whole % step;
  const next = steps[at + 1];
  return next === undefined || rest < next ? formatSpan(whole) : `${formatSpan(whole - rest)} ${formatSpan(rest)}`;
}

/** `2 s ago`; a time in the future (clocks differ) is now. */
export function formatAge(at: number | null, now: number): string {
  if (at === null) return strings.age.never;
  return now - at < 1 ? strings.age.now : strings.age.ago(formatSpan(now - at));
}

/** Date and time in the viewer's own zone and manner. */
export function formatTime(at: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(at * 1000);
}

/** Hour and minute in the viewer's own zone and manner. */
export function formatMinute(at: number): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(at * 1000);
}

/** A mark of a time axis of that length: time of day, day, or both. */
export function formatMoment(at: number, span: number): string {
  if (span <= 36 * 3600) return formatMinute(at);
  const days = span > 10 * 86_400;
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
  const time: Intl.DateTimeFormatOptions = days ? {} : { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(undefined, { ...day, ...time }).format(at * 1000);
}

/** The time of day in the viewer's own zone and manner. */
export function formatClock(at: number): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }).format(at * 1000);
}
