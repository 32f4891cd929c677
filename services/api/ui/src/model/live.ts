/** The live feed: one WebSocket, opened again whenever it is lost, and continued where it was lost. */

import { signal } from "@preact/signals";

import type { LiveMessage } from "../types";

export type Link =
  | { phase: "connecting"; lostAt: number | null }
  | { phase: "live" }
  | { phase: "waiting"; lostAt: number; retryAt: number }
  | { phase: "stopped" };

export const CLOSE_SESSION_ENDED = 4401;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
/** The server pings every 15 s; two lost pings mean a dead line that TCP has not noticed. */
export const SILENCE_LIMIT = 35_000;

/** Milliseconds before try number `attempt` (from 0): doubling, capped, and spread so that many pages don't return at once. */
export function backoff(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
  return ceiling / 2 + (ceiling / 2) * random;
}

export interface LiveOptions {
  /** The address to connect to; `fresh`: what is known can't be built on, so nothing of it is to be continued. */
  url(fresh: boolean): string;
  /** Called with each message; throws when it can't be used, and the feed starts again from a snapshot. */
  onMessage(message: LiveMessage): void;
  onSessionEnded(): void;
  /** Resolves to false when the session is over: a refused handshake does not tell its cause. */
  sessionHolds(): Promise<boolean>;
  random?: () => number;
}

export class LiveFeed {
  readonly link = signal<Link>({ phase: "stopped" });
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  private fresh = true;
  private lostAt: number | null = null;

  constructor(private readonly options: LiveOptions) {}

  start(): void {
    if (this.link.peek().phase !== "stopped") return;
    this.attempt = 0;
    this.lostAt = null;
    this.fresh = true;
    this.open();
  }

  stop(): void {
    this.drop();
    this.link.value = { phase: "stopped" };
  }

  /** Try at once, where a try is only waited for. */
  retryNow(): void {
    if (this.link.peek().phase !== "waiting") return;
    clearTimeout(this.timer);
    this.open();
  }

  private open(): void {
    this.link.value = { phase: "connecting", lostAt: this.lostAt };
    const socket = new WebSocket(this.options.url(this.fresh));
    let opened = false;
    this.socket = socket;
    this.watch();
    socket.onopen = () => {
      opened = true;
    };
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      if (event.code === CLOSE_SESSION_ENDED) this.end();
      else if (opened) this.wait();
      else void this.refused();
    };
  }

  private receive(data: unknown): void {
    this.watch();
    try {
      const message = JSON.parse(String(data)) as LiveMessage;
      this.options.onMessage(message);
      if (message.type === "snapshot" || (message.type === "changes" && message.since !== undefined)) {
        this.attempt = 0;
        this.fresh = false;
        this.lostAt = null;
        this.link.value = { phase: "live" };
      }
    } catch (error) {
      console.warn("live feed starts again:", error);
      this.fresh = true;
      this.wait();
    }
  }

  private async refused(): Promise<void> {
    const holds = await this.options.sessionHolds();
    if (this.link.peek().phase !== "connecting") return;
    if (holds) this.wait();
    else this.end();
  }

  private end(): void {
    this.stop();
    this.options.onSessionEnded();
  }

  private wait(): void {
    this.drop();
    this.lostAt ??= Date.now();
    const delay = backoff(this.attempt, (this.options.random ?? Math.random)());
    this.attempt += 1;
    this.link.value = { phase: "waiting", lostAt: this.lostAt, retryAt: Date.now() + delay };
    this.timer = setTimeout(() => this.open(), delay);
  }

  private watch(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.wait(), SILENCE_LIMIT);
  }

  private drop(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
