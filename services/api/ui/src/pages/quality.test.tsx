import { waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it } from "vitest";

import { LOGIN, Reply, type Answers } from "../testing/server";
import { close, openLive, type Page } from "../testing/page";
import type { AuditRun, Quality } from "../types";

const PATH = "/api/admin/monitoring/quality";
const ADMIN = { ...LOGIN, user: { username: "ada", role: "admin" } };
const AUDIT = {
  id: 2, commit: "4f2a91c0dd57aa", branch: "main", at: 2000, lines: 12_000, created_by: "ci", finished_at: 2000, overall: 6.2,
  architecture: 9, security: 4.1, performance: 10, testing: 7.5,
};
const QUALITY: Quality = {
  at: 3000, branch: "main", branches: ["main", "next"], audit: AUDIT, overall_change: -0.6,
  parts: [
    { key: "architecture", score: 9, change: 0, missing: [] },
    { key: "security", score: 4.1, change: -1.5, missing: [] },
    { key: "performance", score: null, change: null, missing: ["junit"] },
    { key: "testing", score: 7.5, change: 1, missing: [] },
  ],
  items: [
    { key: "dependencies", part: "security", needs: "pip-audit", score: 1.2, measure: 1, lost: 1.5 },
    { key: "coverage", part: "testing", needs: "coverage", score: 8.1, measure: 0.81, lost: 0.3 },
    { key: "lint", part: "architecture", needs: "ruff", score: 9.9, measure: 0.2, lost: 0.01 },
    { key: "slow_tests", part: "performance", needs: "junit", score: null, measure: null, lost: 0 },
  ],
  trend: [{ ...AUDIT, id: 1, at: 1000, overall: 6.8 }, AUDIT],
  findings: [{ kind: "sarif", tool: "semgrep", severity: "warning", rule: "R1", message: "Bad", file: "a.py", line: 3 }],
  found: { warning: 1, info: 4 }, vulnerabilities: [], vulnerabilities_at: 2000, can_run: true,
};
const RUN: AuditRun = {
  id: 1, started_at: 100, started_by: "ada", finished_at: null, result: "running", exit_code: null, detail: "", output: "",
  audit_id: null,
};

const openQuality = (quality: Quality, more: Answers = {}): Promise<Page> =>
  openLive("/quality", {}, { [`GET ${PATH}`]: quality, ...more });

afterEach(close);

it("shows scores with their change, and names missing reports", async () => {
  const page = await openQuality(QUALITY);
  within(await page.findByRole("article", { name: "Security" })).getByText("−1.5 against the audit before");
  within(page.getByRole("article", { name: "Architecture" })).getByText("as in the audit before");
  const performance = within(page.getByRole("article", { name: "Performance" }));
  performance.getByText("No score without: junit.");
  performance.getByText("No score");
  page.getByRole("img", { name: "Overall in the last 2 audits: from 6.2 to 6.8" });
  page.getByText(/4f2a91c0dd57 of main, 12,000 lines/);
});

it("lists what costs something, worst first", async () => {
  const page = await openQuality(QUALITY);
  await page.findByText("What pulls it down first");
  const pulls = [...page.container.querySelectorAll("#pulls li")].map((one) => one.getAttribute("aria-label"));
  expect(pulls).toEqual(["Vulnerable packages", "Code that no test runs"]);
  page.getByText(/81 % covered/);
  page.getByText("The worst 1 of 5.");
  page.getByText("a.py:3");
  page.getByText("No known vulnerability");
});

it("shows twenty findings first, and the others when asked", async () => {
  const findings = Array.from({ length: 25 }, (_, line) => ({ ...QUALITY.findings[0]!, line: line + 1 }));
  const page = await openQuality({ ...QUALITY, findings });
  await page.findByText("a.py:20");
  expect(page.queryByText("a.py:21")).toBeNull();
  await userEvent.click(page.getByRole("button", { name: "Show 5 more" }));
  page.getByText("a.py:25");
});

it("says when nobody has looked for vulnerabilities, or not this time", async () => {
  const page = await openQuality({ ...QUALITY, vulnerabilities_at: null });
  await page.findByText("Nobody has looked for vulnerabilities");
  close();
  const later = await openQuality({ ...QUALITY, vulnerabilities_at: 1000 });
  await later.findByText(/The latest audit has no report about packages/);
});

it("shows another branch when asked", async () => {
  const page = await openQuality(QUALITY, { [`GET ${PATH}?branch=next`]: { ...QUALITY, branch: "next", audit: null } });
  await userEvent.selectOptions(await page.findByLabelText("Branch"), "next");
  await page.findByText("No audit yet");
});

it("tells how to post reports when there is no audit", async () => {
  const page = await openQuality({ ...QUALITY, audit: null, branches: [], can_run: false });
  expect((await page.findByLabelText("Commands for CI")).textContent).toContain(`api=${location.origin}/api/admin`);
  expect(page.queryByLabelText("Branch")).toBeNull();
});

it("offers the run to admins only, and says why it did not start", async () => {
  const operator = await openQuality(QUALITY);
  await operator.findByRole("article", { name: "Security" });
  expect(operator.queryByRole("button", { name: "Run full audit" })).toBeNull();
  close();
  const page = await openQuality(QUALITY, {
    "GET /api/auth/me": ADMIN,
    [`GET ${PATH}/run`]: { configured: true, run: { ...RUN, result: "failed", finished_at: 200, output: "no ruff", detail: "Code 3." } },
    [`POST ${PATH}/run`]: new Reply(409, { detail: "An audit runs already.", mend: "Wait." }),
  });
  await page.findByText("no ruff");
  await userEvent.click(page.getByRole("button", { name: "Run full audit" }));
  await page.findByText("An audit runs already. Wait.");
});

it("does not start a second run", async () => {
  const page = await openQuality(QUALITY, { "GET /api/auth/me": ADMIN, [`GET ${PATH}/run`]: { configured: true, run: RUN } });
  const button = await page.findByRole("button", { name: "Audit is running…" });
  await userEvent.click(button);
  await waitFor(() => expect(button.getAttribute("aria-disabled")).toBe("true"));
  expect(page.calls.some((call) => call.method === "POST")).toBe(false);
});
