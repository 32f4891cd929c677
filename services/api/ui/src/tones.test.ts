import { expect, it } from "vitest";

import { toneOf, urgency } from "./tones";

it("gives what it does not know the look of unknown, never of fine", () => {
  expect(toneOf("page")).toBe("unknown");
  expect(toneOf("toString")).toBe("unknown");
  expect(toneOf("down")).toBe("critical");
  expect(toneOf("healthy")).toBe("ok");
});

it("puts unknown severities last", () => {
  expect(["other", "info", "critical", "warning"].sort((a, b) => urgency(a) - urgency(b))).toEqual([
    "critical",
    "warning",
    "info",
    "other",
  ]);
});
