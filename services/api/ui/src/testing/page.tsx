/** The whole page against a fake server. */

import { cleanup, render, type RenderResult } from "@testing-library/preact";
import { vi } from "vitest";

import { App } from "../app";
import { followLinks, route, routeOf } from "../model/router";
import { Store } from "../model/store";
import type { Snapshot } from "../types";
import { PATIENCE } from "./patience";
import { LOGIN, serve, type Answers, type Call } from "./server";
import { FakeSocket } from "./socket";
import { makeSnapshot } from "./world";

export interface Page extends RenderResult {
  store: Store;
  calls: Call[];
}

const EMPTY_HISTORY = { alerts: [], next_cursor: null };
let stops: (() => void)[] = [];

/** Open the page at an address; `answers` add to a signed-in operator with an empty history. */
export async function open(at: string, answers: Answers = {}): Promise<Page> {
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  const calls = serve({
    "GET /api/auth/me": LOGIN,
    "GET /api/auth/methods": { password: true, provider: null },
    "GET /api/admin/monitoring/alerts/history": EMPTY_HISTORY,
    ...answers,
  });
  // Not by `navigate`: arriving takes the focus with the next frame, which on a busy machine comes late.
  history.replaceState(null, "", at);
  route.value = routeOf(location.pathname, location.search);
  const store = new Store();
  stops = [store.start(), followLinks()];
  const result = render(<App store={store} />);
  await vi.waitFor(() => {
    if (store.session.value.phase === "asking") throw new Error("still asking");
  }, PATIENCE);
  return { ...result, store, calls };
}

/** Open the page, signed in and live with a snapshot. */
export async function openLive(at: string, snapshot: Partial<Snapshot> = {}, answers: Answers = {}): Promise<Page> {
  const page = await open(at, answers);
  FakeSocket.last.accept(makeSnapshot({ at: Date.now() / 1000, ...snapshot }));
  await page.findAllByRole("heading", { level: 1 });
  return page;
}

export function close(): void {
  for (const stop of stops) stop();
  stops = [];
  cleanup();
  vi.unstubAllGlobals();
}
