import { fireEvent, waitFor, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it } from "vitest";

import { LOGIN, Reply } from "../testing/server";
import { close, openLive, type Page } from "../testing/page";
import type { Contact, OnCall, OnCallSchedule, Override, Policy, Preferences } from "../types";

const PATH = "/api/admin/monitoring";
const DAY = 86_400;
const NOW = Date.now() / 1000;
const MONDAY = NOW - 2 * DAY;
const ALL = ["critical", "warning", "info"];
const told = (...kinds: string[]): Contact["now"] => ({
  channels: kinds.map((kind) => ({ integration: `${kind}/0`, channel: kind, recipients: [`ana@${kind}`], severities: ALL })),
  deliver: "first", quiet_hours: [], rate_limit: null,
});
const contact = (name: string, title = "", more: Partial<Contact> = {}): Contact => ({
  name, title, place: "am.yml:3", fallback_after: 120, file: told("email", "sms"), now: told("email", "sms"), warnings: [],
  logins: [], mine: name === "ana", ...more,
});
const OVERRIDE: Override = {
  id: "o1", contact: "cleo", instead_of: "bert", starts_at: NOW + DAY, ends_at: NOW + 2 * DAY, created_by: "bert",
  comment: "Dentist", ignored: "", removable: true,
};
const SCHEDULE: OnCallSchedule = {
  name: "primary", time_zone: "UTC", place: "am.yml:9", on_call: ["ana"], rotations: [], overrides: [OVERRIDE],
  shifts: [
    { begin: MONDAY, end: NOW + DAY, people: ["ana"] },
    { begin: NOW + DAY, end: NOW + 3 * DAY, people: ["bert"] },
    { begin: NOW + 3 * DAY, end: MONDAY + 7 * DAY, people: [] },
  ],
  weeks: [MONDAY, MONDAY + 7 * DAY], gaps_wanted: false, feed: "/api/v1/schedules/primary.ics?token=t", warnings: [],
};
const POLICY: Policy = {
  name: "ops", place: "am.yml:20", repeat: 2, warnings: ["step 2 reaches nobody by slack"],
  steps: [
    { notify: [{ kind: "schedule", name: "primary" }], channels: [], wait: 300, reaches: [{ kind: "contact", name: "ana" }] },
    { notify: [{ kind: "receiver", name: "team" }], channels: ["slack"], wait: 600, reaches: [] },
  ],
};
const ON_CALL: OnCall = {
  at: NOW, contact: "ana", contact_known: true, configured: true, titles: { ana: "Ana Berg" },
  schedules: [{ name: "primary", people: ["ana"], until: NOW + DAY, next: ["bert"], gap: false }],
  policies: [{ name: "ops", people: ["ana"], receivers: [] }],
  warnings: [{ kind: "policy", name: "ops", text: "step 2 reaches nobody by slack", place: "am.yml:20" }],
};
const NOTHING = { channels: null, deliver: null, quiet_hours: null, rate_limit: null };
const PREFERENCES: Preferences = {
  contact: "ana", known: true, title: "Ana Berg", chosen: NOTHING, file: told("email", "sms"), now: told("email", "sms"),
  warnings: [], updated_by: null, updated_at: null, pending: "",
};
const CONTACTS = [contact("ana", "Ana Berg"), contact("bert"), contact("cleo")];
const answers = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  [`GET ${PATH}/on-call`]: ON_CALL,
  [`GET ${PATH}/contacts`]: { contacts: CONTACTS, receivers: ["team"] },
  [`GET ${PATH}/schedules`]: { schedules: [SCHEDULE] },
  [`GET ${PATH}/escalation-policies`]: { policies: [POLICY] },
  [`GET ${PATH}/preferences`]: PREFERENCES,
  ...more,
});
const ADMIN = { "GET /api/auth/me": { ...LOGIN, user: { username: "ana", role: "admin" } }, "GET /api/admin/users": { users: [] } };
const VIEWER = { "GET /api/auth/me": { ...LOGIN, user: { username: "ana", role: "viewer" } } };
const open = (more: Record<string, unknown> = {}): Promise<Page> => openLive("/on-call", {}, answers(more));
const sent = (page: Page, method: string): unknown[] =>
  page.calls.filter((call) => call.method === method).map((call) => call.body);

afterEach(close);

it("shows who is on call, who is next, and what reaches nobody", async () => {
  const page = await open();
  const duty = within(await page.findByRole("article", { name: "Now: Schedule primary" }));
  duty.getByText("Ana Berg");
  duty.getByText("You");
  duty.getByText(/then bert/);
  expect(document.querySelector(".gaps")?.textContent).toContain("ops step 2 reaches nobody by slack. am.yml:20");
  const policy = within(page.getByRole("article", { name: "Policy ops" }));
  policy.getByText("Whoever has primary");
  policy.getByText("repeated 2 times");
  policy.getByText(/now Nobody/);
});

it("takes a shift over with two clicks, and gives it back with one", async () => {
  const page = await open({
    [`POST ${PATH}/schedules/primary/overrides`]: {},
    [`DELETE ${PATH}/schedules/primary/overrides/o1`]: new Reply(403, { detail: "Not yours.", mend: "Ask bert." }),
  });
  await userEvent.click(await page.findByRole("button", { name: /^bert, .* Take over$/ }));
  const form = within(page.getByRole("form", { name: "Take over" }));
  expect(document.activeElement?.textContent).toBe("Take over");
  expect(form.queryByLabelText("Who takes over")).toBeNull();
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(page.queryByRole("form", { name: "Take over" })).toBeNull());
  expect(sent(page, "POST").at(-1)).toMatchObject({ contact: null, instead_of: "bert", comment: "" });
  page.getByText("Dentist");
  await userEvent.click(page.getByRole("button", { name: "End the takeover by cleo" }));
  await page.findByText("Not yours. Ask bert.");
});

it("says of one's own shift what to do, and closes with Escape", async () => {
  const page = await open();
  await userEvent.click(await page.findByRole("button", { name: /^Ana Berg, .* Take over$/ }));
  page.getByText(/This is your own shift/);
  await userEvent.click(page.getByRole("button", { name: /^Nobody, .* Take over$/ }));
  page.getByRole("form", { name: "Take over" });
  await userEvent.keyboard("{Escape}");
  expect(page.queryByRole("form", { name: "Take over" })).toBeNull();
});

it("lets an admin say who takes over", async () => {
  const page = await open({ ...ADMIN, [`POST ${PATH}/schedules/primary/overrides`]: new Reply(400, { detail: "Too far.", mend: "Nearer." }) });
  await userEvent.click(await page.findByRole("button", { name: /^Ana Berg, .* Take over$/ }));
  await userEvent.selectOptions(page.getByLabelText("Who takes over"), "cleo");
  await userEvent.click(page.getByRole("button", { name: "Hand over to cleo" }));
  await page.findByText("Too far. Nearer.");
  expect(sent(page, "POST").at(-1)).toMatchObject({ contact: "cleo", instead_of: "ana" });
});

it("keeps a choice, and says when it can not be in force yet", async () => {
  const kept = { ...PREFERENCES, updated_at: NOW, updated_by: "ana", pending: "It is kept, and comes into force when Redis is back." };
  const page = await open({ [`PUT ${PATH}/preferences`]: kept });
  const form = within(await page.findByRole("form", { name: "How I am told" }));
  await userEvent.click(form.getByRole("button", { name: "Try Sms earlier" }));
  await userEvent.click(form.getByRole("checkbox", { name: "Email: Info" }));
  await userEvent.click(form.getByRole("button", { name: "Add quiet hours" }));
  await userEvent.click(form.getByRole("checkbox", { name: "Sun" }));
  await userEvent.type(form.getByLabelText("Messages an hour"), "9");
  await userEvent.click(form.getByRole("button", { name: "Save" }));
  await form.findByText(/when Redis is back/);
  expect(sent(page, "PUT")).toEqual([
    {
      channels: [{ channel: "sms/0", severities: null }, { channel: "email/0", severities: ["critical", "warning"] }],
      deliver: null,
      quiet_hours: [
        {
          time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          days: ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
          from: "22:00", to: "07:00", critical_passes: true,
        },
      ],
      rate_limit: { per_hour: 9, critical_within: 60 },
    },
  ]);
});

it("changes and removes quiet hours, and keeps their last day", async () => {
  const night = { time_zone: "Europe/Berlin", days: ["monday" as const], from: "22:00", to: "07:00", critical_passes: true };
  const given = { ...told("email", "sms"), quiet_hours: [night, { ...night, from: "12:00", to: "13:00" }] };
  const page = await open({
    [`GET ${PATH}/preferences`]: { ...PREFERENCES, file: given, now: given, warnings: ["has no channel that takes critical alerts"] },
    [`PUT ${PATH}/preferences`]: PREFERENCES,
  });
  const form = within(await page.findByRole("form", { name: "How I am told" }));
  form.getByText("Ana Berg has no channel that takes critical alerts.");
  await userEvent.click(form.getByRole("button", { name: "Remove quiet hours 2" }));
  const first = within(form.getByRole("group", { name: "Quiet hours 1" }));
  await userEvent.click(first.getByRole("checkbox", { name: "Mon" }));
  await userEvent.click(first.getByRole("checkbox", { name: "Critical alerts come through" }));
  fireEvent.input(first.getByLabelText("From"), { target: { value: "21:30" } });
  fireEvent.input(first.getByLabelText("To"), { target: { value: "06:00" } });
  fireEvent.input(first.getByLabelText("Time zone"), { target: { value: "Europe/Oslo" } });
  await userEvent.selectOptions(form.getByLabelText("Send each message"), "all");
  await userEvent.click(form.getByRole("button", { name: "Save" }));
  await form.findByText("Saved, and in force now.");
  expect(sent(page, "PUT")).toEqual([
    {
      channels: null, deliver: "all", rate_limit: null,
      quiet_hours: [{ time_zone: "Europe/Oslo", days: ["monday"], from: "21:30", to: "06:00", critical_passes: false }],
    },
  ]);
});

it("shows of each contact how they are told", async () => {
  const night = { time_zone: "UTC", days: ["saturday" as const, "sunday" as const], from: "22:00", to: "07:00" };
  const now = {
    ...told("email"), quiet_hours: [{ ...night, critical_passes: true }, { ...night, critical_passes: false }],
    rate_limit: { per_hour: 1, critical_within: 60 },
  };
  now.channels[0] = { ...now.channels[0]!, severities: ["critical"] };
  const warnings = ["has no channel that takes critical alerts"];
  const page = await open({ [`GET ${PATH}/contacts`]: { contacts: [contact("bert", "", { now, warnings })], receivers: [] } });
  const card = await page.findByRole("article", { name: "bert" });
  expect(card.textContent).toContain("Email ana@email only critical");
  expect(card.textContent).toContain("Quiet Sat, Sun 22:00–07:00 (UTC), but for critical alerts");
  expect(card.textContent).toContain("At most 1 message an hour");
  within(card).getByText("has no channel that takes critical alerts");
});

it("takes a part of a shift over, or lets it be", async () => {
  const page = await open({ [`POST ${PATH}/schedules/primary/overrides`]: {} });
  const shift = await page.findByRole("button", { name: /^bert, .* Take over$/ });
  await userEvent.click(shift);
  await userEvent.click(page.getByRole("button", { name: "Cancel" }));
  await userEvent.click(shift);
  await userEvent.click(shift);
  expect(page.queryByRole("form", { name: "Take over" })).toBeNull();
  await userEvent.click(shift);
  const form = within(page.getByRole("form", { name: "Take over" }));
  fireEvent.input(form.getByLabelText("From"), { target: { value: "2030-01-01T10:00" } });
  fireEvent.input(form.getByLabelText("To"), { target: { value: "2030-01-01T12:00" } });
  await userEvent.type(form.getByLabelText("Comment"), "Dentist");
  await userEvent.click(form.getByRole("button", { name: "Take over" }));
  await waitFor(() => expect(page.queryByRole("form", { name: "Take over" })).toBeNull());
  expect(sent(page, "POST")).toEqual([
    {
      contact: null, instead_of: "bert", comment: "Dentist",
      starts_at: new Date("2030-01-01T10:00").getTime() / 1000, ends_at: new Date("2030-01-01T12:00").getTime() / 1000,
    },
  ]);
});

it("does not let somebody switch themselves off", async () => {
  const page = await open();
  const form = within(await page.findByRole("form", { name: "How I am told" }));
  for (const severity of ["Critical", "Warning", "Info"]) await userEvent.click(form.getByRole("checkbox", { name: `Sms: ${severity}` }));
  await userEvent.click(form.getByRole("button", { name: "Save" }));
  form.getByText("Choose a severity for Sms, or switch it off.");
  await userEvent.click(form.getByRole("checkbox", { name: "Sms" }));
  await userEvent.click(form.getByRole("checkbox", { name: "Email" }));
  await userEvent.click(form.getByRole("button", { name: "Save" }));
  form.getByText(/at least one channel/);
  expect(sent(page, "PUT")).toEqual([]);
});

it("goes back to what the file says", async () => {
  const chosen = { ...PREFERENCES, now: told("sms"), updated_at: NOW, updated_by: "ana" };
  const page = await open({ [`GET ${PATH}/preferences`]: chosen, [`PUT ${PATH}/preferences`]: PREFERENCES });
  await userEvent.click(await page.findByRole("button", { name: "Back to what the file says" }));
  await page.findByText("Saved, and in force now.");
  expect(sent(page, "PUT")).toEqual([{}]);
});

it("tells what became of a test message", async () => {
  const results = [
    { receiver: "contact:ana", channel: "email/0", recipient: "ana@x", ok: true, seconds: 0.25, answer: "id-1" },
    { receiver: "contact:ana", channel: "sms/1", recipient: "+49", ok: false, seconds: 2, answer: "550 no such user" },
  ];
  const page = await open({ [`POST ${PATH}/notifications/test`]: { results } });
  await userEvent.click(await page.findByRole("button", { name: "Send me a test message" }));
  await page.findByText("550 no such user");
  page.getByText(/taken by the provider after 250/);
  page.getByText("Sms 2");
  expect(sent(page, "POST")).toEqual([{}]);
});

it("lets an admin manage logins and try out receivers", async () => {
  const users = [
    { id: 1, username: "ana", role: "admin", created_at: 1, disabled: false, sessions: 1, last_seen_at: null },
    { id: 2, username: "bob", role: "viewer", created_at: 1, disabled: false, sessions: 0, last_seen_at: null },
  ];
  const logins = [{ id: 1, username: "ana", given: true }];
  const page = await open({
    ...ADMIN,
    "GET /api/admin/users": { users },
    [`GET ${PATH}/contacts`]: { contacts: [contact("ana", "Ana Berg", { logins })], receivers: ["team"] },
    "PUT /api/admin/users/1/contact": {},
    "PUT /api/admin/users/2/contact": {},
    [`POST ${PATH}/notifications/test`]: { results: [] },
  });
  await userEvent.click(await page.findByText("Login and test message"));
  await userEvent.click(await page.findByRole("button", { name: "Release ana" }));
  await userEvent.selectOptions(page.getByLabelText("Also a login of Ana Berg"), "bob");
  await waitFor(() => expect(sent(page, "PUT")).toEqual([{ contact: null }, { contact: "ana" }]));
  await userEvent.click(page.getByRole("button", { name: "Send a test message to team" }));
  await page.findByText("There is no channel by which it could be sent.");
  expect(sent(page, "POST")).toEqual([{ receiver: "team" }]);
  await userEvent.selectOptions(page.getByLabelText("Whose preferences"), "ana");
  await waitFor(() => expect(page.calls.some((call) => call.path === `${PATH}/preferences?contact=ana`)).toBe(true));
});

it("shows a viewer without a contact what is so, and nothing to do", async () => {
  const page = await open({
    ...VIEWER,
    [`GET ${PATH}/on-call`]: { ...ON_CALL, contact: "vic", contact_known: false },
    [`GET ${PATH}/preferences`]: { ...PREFERENCES, contact: "vic", known: false, file: null, now: null },
    [`GET ${PATH}/schedules`]: { schedules: [{ ...SCHEDULE, gaps_wanted: true, overrides: [{ ...OVERRIDE, contact: null, instead_of: null, removable: false, ignored: "there is no contact 'x'" }] }] },
  });
  await page.findByText("There is no contact “vic”");
  page.getByText(/Not followed: there is no contact 'x'/);
  expect(page.queryByRole("button", { name: /Take over/ })).toBeNull();
  expect(page.queryByRole("button", { name: /test message/ })).toBeNull();
  expect(page.queryByRole("button", { name: /End/ })).toBeNull();
});

it("tells how to configure people where there are none", async () => {
  const page = await open({
    [`GET ${PATH}/on-call`]: { ...ON_CALL, configured: false, schedules: [], policies: [], warnings: [] },
  });
  await page.findByText("Nobody is configured to be on call");
  page.getByText(/escalation_policies:/);
});

it("says what to do while the notifier is away", async () => {
  const page = await open({ [`GET ${PATH}/schedules`]: new Reply(503, { detail: "The notifier is away.", mend: "Look whether it runs." }) });
  await page.findByText("Look whether it runs.");
});
