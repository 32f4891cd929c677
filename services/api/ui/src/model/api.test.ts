import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { LOGIN, PROBLEM_401, Reply, serve } from "../testing/server";
import { makeAlert } from "../testing/world";
import { Api, ApiError } from "./api";

let ended: number;
let api: Api;

beforeEach(() => {
  ended = 0;
  api = new Api(() => {
    ended += 1;
  });
});
afterEach(() => vi.unstubAllGlobals());

it("shows the CSRF token of the login on whatever changes something", async () => {
  const calls = serve({
    "POST /api/auth/login": LOGIN,
    "POST /api/admin/monitoring/alerts/a%2F1/acknowledge": makeAlert(),
  });
  await api.login("ana", "secret");
  await api.acknowledge("a/1", "");
  await api.acknowledge("a/1", "on it");
  expect(calls.map((call) => call.headers["X-CSRF-Token"])).toEqual(["", "token-1", "token-1"]);
  expect(calls.map((call) => call.body)).toEqual([{ username: "ana", password: "secret" }, {}, { comment: "on it" }]);
});

it("asks for a page of the history", async () => {
  const calls = serve({ "GET /api/admin/monitoring/alerts/history": { alerts: [], next_cursor: null } });
  await api.history(8);
  await api.history(8, "c=1");
  expect(calls.map((call) => call.path.split("?")[1])).toEqual(["limit=8", "limit=8&cursor=c%3D1"]);
  expect(calls[0]?.headers["X-CSRF-Token"]).toBeUndefined();
});

it("tells what the API says is wrong and what mends it", async () => {
  serve({ "GET /api/admin/monitoring/alerts/x": new Reply(404, { title: "Not Found", detail: "No such alert.", mend: "Look." }) });
  await expect(api.alert("x")).rejects.toMatchObject({ status: 404, message: "No such alert.", mend: "Look." });
  expect(ended).toBe(0);
});

it("tells that the API is away", async () => {
  serve({});
  await expect(api.alert("x")).rejects.toMatchObject({ status: 0, message: "Tocsin's API can't be reached" });
});

it("tells that something else answered", async () => {
  serve({ "GET /api/admin/monitoring/alerts/x": new Reply(502, "<html>Bad gateway</html>") });
  const error = await api.alert("x").catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).message).toContain("(502)");
});

it("notices that the session is over, but not by a wrong password", async () => {
  serve({ "POST /api/auth/login": PROBLEM_401, "GET /api/admin/monitoring/alerts/x": PROBLEM_401 });
  await expect(api.login("ana", "wrong")).rejects.toMatchObject({ status: 401 });
  expect(ended).toBe(0);
  await expect(api.alert("x")).rejects.toMatchObject({ status: 401 });
  expect(ended).toBe(1);
});
