import { fireEvent, waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it } from "vitest";

import { close, openLive, type Page } from "../testing/page";
import { Reply } from "../testing/server";

const PATH = "/api/admin/monitoring/rules";
const WORDS = {
  metrics: ["http_requests_total", "up"],
  functions: [{ name: "rate", signature: "rate(v range-vector)", doc: "Per-second increase of counters." }],
  aggregations: ["sum"],
};
const ANSWERS = {
  [`GET ${PATH}`]: { groups: [] },
  [`GET ${PATH}/made`]: { rules: [] },
  [`POST ${PATH}/preview`]: { expr: "", yaml: "", problems: [], dry_run: null },
  [`GET ${PATH}/vocabulary`]: WORDS,
  [`GET ${PATH}/vocabulary/labels?metric=up`]: { labels: { instance: ["a:1", "b:2"], job: ["api"] } },
};

afterEach(close);

async function edit(answers: Record<string, unknown> = {}): Promise<[Page, HTMLTextAreaElement]> {
  const page = await openLive("/rules", {}, { ...ANSWERS, ...answers });
  await userEvent.click(await page.findByRole("button", { name: "New rule" }));
  await userEvent.selectOptions(page.getByLabelText("Condition"), "PromQL");
  return [page, page.getByLabelText("Expression") as HTMLTextAreaElement];
}

it("completes functions, metrics, labels and values by the keyboard alone", async () => {
  const [page, field] = await edit();
  await userEvent.type(field, "rat");
  await page.findByRole("option", { name: /rate\(v range-vector\): Per-second/ });
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(field.value).toBe("rate("));
  expect(page.queryByRole("listbox")).toBeNull();
  await userEvent.type(field, "u");
  await page.findByRole("option", { name: /^up\b/ });
  await userEvent.keyboard("{Tab}");
  await waitFor(() => expect(field.value).toBe("rate(up"));
  expect(document.activeElement).toBe(field);
  await userEvent.type(field, "{{");
  const list = within(await page.findByRole("listbox"));
  expect(list.getAllByRole("option").map((one) => one.textContent?.trim())).toEqual(["instance", "job"]);
  await userEvent.keyboard("{ArrowDown}{ArrowUp}{ArrowUp}");
  await waitFor(() => expect(field.getAttribute("aria-activedescendant")).toBe("completions-1"));
  expect(list.getByRole("option", { selected: true }).textContent?.trim()).toBe("job");
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(field.value).toBe("rate(up{job"));
  await userEvent.type(field, '="a');
  await page.findByRole("option", { name: "api" });
  await userEvent.keyboard("{Escape}");
  expect(page.queryByRole("listbox")).toBeNull();
  // The labels of a metric are asked for once.
  expect(page.calls.filter((call) => call.path.includes("/labels"))).toHaveLength(1);
});

it("takes what the mouse chooses, and opens when asked", async () => {
  const [page, field] = await edit();
  await userEvent.type(field, "http_requests_total");
  expect(page.queryByRole("listbox")).toBeNull();
  fireEvent.input(field, { target: { value: "su" } });
  fireEvent.mouseDown(await page.findByRole("option", { name: /sum/ }));
  await waitFor(() => expect(field.value).toBe("sum("));
  fireEvent.input(field, { target: { value: "sum(h" } });
  await page.findByRole("listbox");
  await userEvent.keyboard("{Escape}");
  await userEvent.keyboard("{Control>} {/Control}");
  await page.findByRole("option", { name: /http_requests_total/ });
  fireEvent.blur(field);
  await waitFor(() => expect(page.queryByRole("listbox")).toBeNull());
});

it("lets one write on where nobody tells the words", async () => {
  const [page, field] = await edit({ [`GET ${PATH}/vocabulary`]: new Reply(503, { detail: "Away.", mend: "Wait." }) });
  await userEvent.type(field, "up{{j");
  expect(field.value).toBe("up{j");
  await userEvent.type(field, "ob");
  expect(page.queryByRole("listbox")).toBeNull();
});
