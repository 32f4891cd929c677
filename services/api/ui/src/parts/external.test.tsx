import { within } from "@testing-library/preact";
import { afterEach, expect, it } from "vitest";

import { close, openLive } from "../testing/page";
import { makeHealth } from "../testing/world";

afterEach(close);

it("lists services of others with how their checks went", async () => {
  const page = await openLive("/", {
    health: makeHealth({
      external: [
        { name: "Mail", status: "unknown", seconds: null },
        { name: "Payment gateway", status: "down", seconds: 0.25 },
      ],
    }),
  });
  const rows = within(page.getByRole("region", { name: /^External services/ })).getAllByRole("listitem");
  expect(rows.map((row) => row.textContent?.replace(/\s/g, " "))).toEqual(["MailUnknown", "Payment gatewayDownanswers in 250 ms"]);
});

it("says nothing of them where none is watched", async () => {
  const page = await openLive("/");
  expect(page.queryByText("External services")).toBeNull();
});
