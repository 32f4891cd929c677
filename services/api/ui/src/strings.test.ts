import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const files = ["src/parts", "src/pages", "src"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".tsx") && !name.endsWith(".test.tsx"))
    .map((name) => join(folder, name)),
);

it.each(files)("%s takes its texts from strings.ts", (file) => {
  const source = readFileSync(file, "utf8");
  const texts = [...source.matchAll(/^\s+([A-Z][a-z]+(?: [a-z]+)*[.!?]?)$/gm)].map((match) => match[1]);
  const inline = [...source.matchAll(/<\w+[^>]*>([A-Z][^<{}]*)<\//g)].map((match) => match[1]);
  const attributes = [...source.matchAll(/(?:title|aria-label|placeholder)="([^"]+)"/g)].map((match) => match[1]);
  expect([...texts, ...inline, ...attributes]).toEqual([]);
});
