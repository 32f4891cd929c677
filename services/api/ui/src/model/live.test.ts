import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeSocket } from "../testing/socket";
import { makeSnapshot } from "../testing/world";
import type { LiveMessage } from "../types";
import { backoff, CLOSE_SESSION_ENDED, LiveFeed, SILENCE_LIMIT } from "./live";

let received: LiveMessage[];
let ended: number;
let holds: boolean;
let feed: LiveFeed;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  received = [];
  ended = 0;
  holds = true;
  feed = new LiveFeed({
    url: (fresh) => `ws://tocsin/live${fresh ? "" : "?since"}`,
    onMessage: (message) => {
      if (message.type === "changes" && message.seq === 99) throw new Error("gap");
      received.push(message);
    },
    onSessionEnded: () => {
      ended += 1;
    },
    sessionHolds: () => Promise.resolve(holds),
    random: () => 1,
  });
});

afterEach(() => {
  feed.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const phase = (): string => feed.link.value.phase;

describe("backoff", () => {
  it("doubles to a limit and is spread over half of it", () => {
    expect([0, 1, 2, 3, 10, 2000].map((attempt) => backoff(attempt, 1))).toEqual([500, 1000, 2000, 4000, 15_000, 15_000]);
    expect(backoff(3, 0)).toBe(2000);
  });
});

describe("the feed", () => {
  it("is live with the snapshot and hands messages on", () => {
    feed.start();
    expect(phase()).toBe("connecting");
    FakeSocket.last.accept();
    expect(phase()).toBe("connecting");
    FakeSocket.last.say(makeSnapshot(), { type: "ping" });
    expect(phase()).toBe("live");
    expect(received.map((message) => message.type)).toEqual(["snapshot", "ping"]);
    feed.start();
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("comes back after a loss, waiting longer each time, and starts afresh once it was live", async () => {
    feed.start();
    FakeSocket.last.accept(makeSnapshot());
    for (const delay of [500, 1000, 2000]) {
      FakeSocket.last.hangUp();
      await vi.advanceTimersByTimeAsync(0);
      expect(feed.link.value).toMatchObject({ phase: "waiting", retryAt: Date.now() + delay });
      await vi.advanceTimersByTimeAsync(delay);
      expect(phase()).toBe("connecting");
    }
    expect(FakeSocket.all).toHaveLength(4);
    FakeSocket.last.accept(makeSnapshot());
    FakeSocket.last.hangUp();
    expect(feed.link.value).toMatchObject({ retryAt: Date.now() + 500 });
  });

  it("continues where it was lost and is live with what it missed", () => {
    feed.start();
    expect(FakeSocket.last.url).toBe("ws://tocsin/live");
    FakeSocket.last.accept(makeSnapshot());
    FakeSocket.last.hangUp();
    feed.retryNow();
    expect(FakeSocket.last.url).toBe("ws://tocsin/live?since");
    FakeSocket.last.accept({ type: "changes", seq: 7, since: 1, at: 2 });
    expect(phase()).toBe("live");
    feed.stop();
    feed.start();
    expect(FakeSocket.last.url).toBe("ws://tocsin/live");
  });

  it("tells since when it is lost, through all tries", async () => {
    feed.start();
    FakeSocket.last.accept(makeSnapshot());
    const lostAt = Date.now();
    FakeSocket.last.hangUp();
    await vi.advanceTimersByTimeAsync(500);
    expect(feed.link.value).toEqual({ phase: "connecting", lostAt });
  });

  it("notices a line that went silent", () => {
    feed.start();
    FakeSocket.last.accept(makeSnapshot());
    vi.advanceTimersByTime(SILENCE_LIMIT - 1);
    FakeSocket.last.say({ type: "ping" });
    vi.advanceTimersByTime(SILENCE_LIMIT - 1);
    expect(phase()).toBe("live");
    vi.advanceTimersByTime(1);
    expect(phase()).toBe("waiting");
    expect(FakeSocket.last.closed).toBe(true);
  });

  it.each([
    ["a message that does not fit", { seq: 99, type: "changes", at: 1 }],
    ["a message that is no JSON", "<html>"],
  ])("starts from a snapshot after %s", (_name, message) => {
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    feed.start();
    FakeSocket.last.accept(makeSnapshot(), message);
    expect(phase()).toBe("waiting");
    expect(warned).toHaveBeenCalledOnce();
    feed.retryNow();
    expect(FakeSocket.last.url).toBe("ws://tocsin/live");
  });

  it("stops when the session ends", () => {
    feed.start();
    FakeSocket.last.accept(makeSnapshot());
    FakeSocket.last.hangUp(CLOSE_SESSION_ENDED);
    expect(phase()).toBe("stopped");
    expect(ended).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("asks why a handshake was refused: no session, or no server", async () => {
    feed.start();
    FakeSocket.last.hangUp();
    await vi.advanceTimersByTimeAsync(0);
    expect(phase()).toBe("waiting");
    holds = false;
    await vi.advanceTimersByTimeAsync(500);
    FakeSocket.last.hangUp();
    await vi.advanceTimersByTimeAsync(0);
    expect(phase()).toBe("stopped");
    expect(ended).toBe(1);
  });

  it("ignores the answer about a session when it was stopped meanwhile", async () => {
    feed.start();
    FakeSocket.last.hangUp();
    feed.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(phase()).toBe("stopped");
  });

  it("tries at once when asked, but only while it waits", async () => {
    feed.start();
    feed.retryNow();
    expect(FakeSocket.all).toHaveLength(1);
    FakeSocket.last.accept(makeSnapshot());
    FakeSocket.last.hangUp();
    feed.retryNow();
    expect(FakeSocket.all).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("does not listen to a socket that it gave up", () => {
    feed.start();
    const first = FakeSocket.last;
    first.accept(makeSnapshot());
    first.hangUp();
    feed.retryNow();
    first.hangUp();
    expect(phase()).toBe("connecting");
  });
});
