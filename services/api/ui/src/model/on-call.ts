/** What the page On call works out by itself: weeks of a rota, drafts of a choice, times of a form. */

import type { OnCallSchedule, PreferenceBody, Preferences, QuietHours, Severity } from "../types";

export const SEVERITIES: Severity[] = ["critical", "warning", "info"];
export const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
const DAY = 86_400;

/** A shift's part in one week; `left` and `width` are shares of the week. */
export interface Segment {
  people: string[];
  begin: number;
  end: number;
  left: number;
  width: number;
  mine: boolean;
}

export interface Week {
  begin: number;
  segments: Segment[];
  /** Where now is in this week, as a share; null: elsewhere. */
  now: number | null;
}

/** The weeks of a rota, each shift cut where a week ends; the segment keeps the whole shift's begin and end. */
export function weeksOf(schedule: Pick<OnCallSchedule, "shifts" | "weeks">, own: string, now: number): Week[] {
  return schedule.weeks.slice(0, -1).map((begin, index) => {
    const end = schedule.weeks[index + 1] ?? begin + 7 * DAY;
    const share = (at: number): number => (at - begin) / (end - begin);
    const segments = schedule.shifts
      .filter((shift) => shift.begin < end && shift.end > begin)
      .map((shift) => {
        const left = share(Math.max(shift.begin, begin));
        const width = share(Math.min(shift.end, end)) - left;
        return { ...shift, left, width, mine: shift.people.includes(own) };
      });
    return { begin, segments, now: begin <= now && now < end ? share(now) : null };
  });
}

/** One of the contact's channels in the form. */
export interface DraftChannel {
  integration: string;
  recipients: string[];
  on: boolean;
  severities: Severity[];
}

export interface Draft {
  channels: DraftChannel[];
  deliver: "first" | "all";
  quiet: QuietHours[];
  /** "": as the file has it. */
  perHour: string;
  criticalWithin: number;
}

/** What the form begins with: what is in force, then the file's channels that are not used. */
export function draftOf({ file, now }: Pick<Preferences, "file" | "now">): Draft {
  const used = now?.channels ?? [];
  const names = new Set(used.map((one) => one.integration));
  const rest = (file?.channels ?? []).filter((one) => !names.has(one.integration));
  const channels = [...used.map((one) => ({ one, on: true })), ...rest.map((one) => ({ one, on: false }))];
  return {
    channels: channels.map(({ one, on }) => ({
      integration: one.integration,
      recipients: one.recipients,
      on,
      severities: one.severities as Severity[],
    })),
    deliver: now?.deliver ?? "first",
    quiet: now?.quiet_hours ?? [],
    perHour: now?.rate_limit ? String(now.rate_limit.per_hour) : "",
    criticalWithin: now?.rate_limit?.critical_within ?? 60,
  };
}

const same = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);
const sorted = (severities: Severity[]): Severity[] => SEVERITIES.filter((one) => severities.includes(one));

/** What the form chooses; null wherever that is what the file says, so that a changed file still counts. */
export function chosenOf(draft: Draft, { file }: Pick<Preferences, "file">): PreferenceBody {
  const theirs = new Map((file?.channels ?? []).map((one) => [one.integration, sorted(one.severities as Severity[])]));
  const used = draft.channels.filter((one) => one.on);
  const asWritten =
    same(used.map((one) => one.integration), [...theirs.keys()]) &&
    used.every((one) => same(sorted(one.severities), theirs.get(one.integration)));
  const limit = draft.perHour === "" ? null : { per_hour: Number(draft.perHour), critical_within: draft.criticalWithin };
  return {
    channels: asWritten
      ? null
      : used.map((one) => ({
          channel: one.integration,
          severities: same(sorted(one.severities), theirs.get(one.integration)) ? null : sorted(one.severities),
        })),
    deliver: draft.deliver === file?.deliver ? null : draft.deliver,
    quiet_hours: same(draft.quiet, file?.quiet_hours) ? null : draft.quiet,
    rate_limit: limit !== null && same(limit, file?.rate_limit) ? null : limit,
  };
}

/** The list with one item moved by a place; as it was where there is no such place. */
export function moved<T>(items: T[], from: number, by: number): T[] {
  const to = from + by;
  const item = items[from];
  if (item === undefined || to < 0 || to >= items.length) return items;
  const rest = items.filter((_, index) => index !== from);
  return [...rest.slice(0, to), item, ...rest.slice(to)];
}

/** A moment as a field of type datetime-local has it, in the viewer's zone, to the minute. */
export function toField(at: number): string {
  const local = new Date(at * 1000);
  return new Date(local.getTime() - local.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment of such a field; null where it is empty or no time. */
export function fromField(text: string): number | null {
  const at = new Date(text).getTime() / 1000;
  return Number.isNaN(at) ? null : at;
}

/** `Mon 9 Mar, 09:00` in the viewer's zone and manner; with the year where it is not within half a year of `now`. */
export function formatShift(at: number, now = Date.now() / 1000): string {
  const far = Math.abs(at - now) > 183 * DAY;
  return new Intl.DateTimeFormat(undefined, {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", ...(far ? { year: "numeric" } : {}),
  }).format(at * 1000);
}

/** The day on which a week of a rota begins, in the rota's zone. */
export function formatWeek(at: number, zone: string): string {
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: zone }).format(at * 1000);
}

/** `Mon–Fri, Sun`: days of a week in few words; `names` begin with Monday. */
export function formatDays(days: readonly string[], names: readonly string[]): string {
  const has = DAYS.map((day) => days.includes(day));
  const parts: string[] = [];
  for (let first = 0; first < DAYS.length; first += 1) {
    if (!has[first]) continue;
    let last = first;
    while (has[last + 1]) last += 1;
    parts.push(last - first > 1 ? `${names[first]}–${names[last]}` : names.slice(first, last + 1).join(", "));
    first = last;
  }
  return parts.join(", ");
}
