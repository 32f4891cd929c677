import { describe, expect, it } from "vitest";

import type { Preferences } from "../types";
import { chosenOf, draftOf, formatDays, formatShift, fromField, moved, toField, weeksOf } from "./on-call";

const DAY = 86_400;
const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

describe("weeks of a rota", () => {
  const schedule = {
    weeks: [0, 7 * DAY, 14 * DAY],
    shifts: [
      { begin: 0, end: 1.75 * DAY, people: [] },
      { begin: 1.75 * DAY, end: 8.75 * DAY, people: ["anna"] },
      { begin: 8.75 * DAY, end: 14 * DAY, people: ["bert", "ana"] },
    ],
  };

  it("cuts a shift where its week ends, and keeps the whole shift's times", () => {
    const [first, second] = weeksOf(schedule, "ana", 2 * DAY);
    expect(first?.segments.map((one) => [one.people.join(), one.left, one.width, one.mine])).toEqual([
      ["", 0, 0.25, false],
      ["anna", 0.25, 0.75, false],
    ]);
    expect(second?.segments.map((one) => [one.left, one.width, one.mine])).toEqual([
      [0, 0.25, false],
      [0.25, 0.75, true],
    ]);
    expect(second?.segments[0]).toMatchObject({ begin: 1.75 * DAY, end: 8.75 * DAY });
  });

  it("knows in which week now is", () => {
    expect(weeksOf(schedule, "", 3.5 * DAY).map((week) => week.now)).toEqual([0.5, null]);
    expect(weeksOf(schedule, "", 7 * DAY).map((week) => week.now)).toEqual([null, 0]);
  });
});

const channel = (integration: string, severities = ["critical", "warning", "info"]): Channel => ({
  integration, channel: integration.split("/")[0] ?? "", recipients: [`${integration}@x`], severities,
});
type Told = NonNullable<Preferences["file"]>;
type Channel = Told["channels"][number];
const quiet = {
  time_zone: "Europe/Berlin", days: ["monday" as const], from: "22:00", to: "07:00", critical_passes: true,
};
const file: Told = {
  channels: [channel("email/0"), channel("sms/0", ["critical"])], deliver: "first", quiet_hours: [quiet], rate_limit: null,
};

describe("the draft of a choice", () => {
  it("chooses nothing while it is what the file says", () => {
    const draft = draftOf({ file, now: file });
    expect(chosenOf(draft, { file })).toEqual({ channels: null, deliver: null, quiet_hours: null, rate_limit: null });
  });

  it("begins with what is in force, and ends with the file's channels that are not used", () => {
    const now: Told = { ...file, channels: [channel("sms/0", ["critical"])], deliver: "all", quiet_hours: [] };
    const draft = draftOf({ file, now });
    expect(draft.channels.map((one) => [one.integration, one.on])).toEqual([["sms/0", true], ["email/0", false]]);
    expect(chosenOf(draft, { file })).toEqual({
      channels: [{ channel: "sms/0", severities: null }], deliver: "all", quiet_hours: [], rate_limit: null,
    });
  });

  it("names the severities that differ, in one order", () => {
    const draft = draftOf({ file, now: file });
    const [email, sms] = draft.channels;
    if (email === undefined || sms === undefined) throw new Error("no channels");
    const chosen = chosenOf({ ...draft, channels: [{ ...sms, severities: ["info", "critical"] }, email] }, { file });
    expect(chosen.channels).toEqual([
      { channel: "sms/0", severities: ["critical", "info"] },
      { channel: "email/0", severities: null },
    ]);
  });

  it("takes a limit over only where it differs", () => {
    const limited = { ...file, rate_limit: { per_hour: 5, critical_within: 60 } };
    const draft = draftOf({ file: limited, now: limited });
    expect(draft.perHour).toBe("5");
    expect(chosenOf(draft, { file: limited }).rate_limit).toBeNull();
    expect(chosenOf({ ...draft, perHour: "9" }, { file: limited }).rate_limit).toEqual({ per_hour: 9, critical_within: 60 });
    expect(chosenOf({ ...draft, perHour: "" }, { file: limited }).rate_limit).toBeNull();
  });

  it("is empty where the file has no such contact", () => {
    expect(draftOf({ file: null, now: null })).toMatchObject({ channels: [], deliver: "first", quiet: [], perHour: "" });
  });
});

describe("small things", () => {
  it("moves an item by one place and no further", () => {
    expect(moved(["a", "b", "c"], 2, -1)).toEqual(["a", "c", "b"]);
    expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
    expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"]);
    expect(moved(["a", "b"], 1, 1)).toEqual(["a", "b"]);
  });

  it("reads a field's time back as it was, to the minute", () => {
    const at = 1_750_000_020;
    expect(fromField(toField(at))).toBe(at);
    expect(fromField("")).toBeNull();
  });

  it("tells the year of what is far away", () => {
    const at = Date.UTC(2030, 5, 15, 12) / 1000;
    expect(formatShift(at, at - 30 * DAY)).not.toContain("2030");
    expect(formatShift(at, at - 300 * DAY)).toContain("2030");
  });

  it("tells days in few words", () => {
    expect(formatDays(["monday", "tuesday", "wednesday", "thursday", "friday", "sunday"], NAMES)).toBe("Mon–Fri, Sun");
    expect(formatDays(["saturday", "sunday"], NAMES)).toBe("Sat, Sun");
    expect(formatDays(["wednesday"], NAMES)).toBe("Wed");
  });
});
