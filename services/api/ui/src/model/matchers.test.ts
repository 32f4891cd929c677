import { describe, expect, it } from "vitest";

import { makeAlert } from "../testing/world";
import { matchersOf, matcherText, parseMatchers } from "./matchers";

describe("parseMatchers", () => {
  it.each([
    ['alertname="ApiSlow"', [{ name: "alertname", op: "=", value: "ApiSlow" }]],
    ["alertname = ApiSlow ,", [{ name: "alertname", op: "=", value: "ApiSlow" }]],
    ['a=~"x|y"\n\nb!="z"', [{ name: "a", op: "=~", value: "x|y" }, { name: "b", op: "!=", value: "z" }]],
    ["a!~x.*", [{ name: "a", op: "!~", value: "x.*" }]],
    ['a="say \\"hi\\""', [{ name: "a", op: "=", value: 'say "hi"' }]],
    ['a="half', [{ name: "a", op: "=", value: '"half' }]],
    ["a=", [{ name: "a", op: "=", value: "" }]],
    ["a==b", [{ name: "a", op: "=", value: "=b" }]],
  ])("%s", (text, matchers) => {
    expect(parseMatchers(text)).toEqual({ matchers, wrong: [] });
  });

  it("names the lines that are none", () => {
    expect(parseMatchers("ok=1\nnonsense\n=x").wrong).toEqual(["nonsense", "=x"]);
  });
});

it("writes what it reads", () => {
  const matcher = { name: "a", op: "!~" as const, value: 'x"\\d' };
  expect(parseMatchers(matcherText(matcher)).matchers).toEqual([matcher]);
});

it("names one alert exactly, without what all alerts of its kind share", () => {
  const labels = { alertname: "A", severity: "warning", component: "celery", queue: "mail" };
  expect(matchersOf(makeAlert({ labels }))).toBe('alertname="A"\nqueue="mail"');
});
