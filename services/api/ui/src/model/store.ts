/** The page's state and what a person can do with it; built once, handed down by context. */

import { computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import { strings } from "../strings";
import type { Alert, User } from "../types";
import { announcements } from "./announce";
import { Api, ApiError, LIVE_PATH } from "./api";
import { LiveFeed, type Link } from "./live";
import { mergeAlerts, reduce, type LiveState } from "./reduce";

export type Session =
  | { phase: "asking" }
  | { phase: "out"; ended: boolean }
  | { phase: "in"; user: User }
  | { phase: "failed"; error: ApiError };

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export class Store {
  readonly session = signal<Session>({ phase: "asking" });
  readonly state = signal<LiveState | null>(null);
  /** The server's time, seconds, by this machine's clock and the difference seen last; moves once a second. */
  readonly now: Signal<number> = signal(Date.now() / 1000);
  readonly spoken = signal("");
  /** Why the last thing asked for did not happen, where no part of the page can say it itself. */
  readonly notice = signal("");
  /** The matchers that the silence dialog is open with; null: it is closed. */
  readonly silencing = signal<string | null>(null);
  /** Grows when silences were changed here. */
  readonly silencesVersion = signal(0);
  readonly api = new Api(() => this.endSession());
  readonly link: ReadonlySignal<Link>;
  readonly stale: ReadonlySignal<boolean>;
  private readonly feed: LiveFeed;
  private skew = 0;
  private leaving = false;

  constructor() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.feed = new LiveFeed({
      url: (fresh) => {
        const known = fresh ? null : this.state.peek();
        const query = known === null ? "" : `?since=${known.seq}&epoch=${encodeURIComponent(known.epoch)}`;
        return `${scheme}//${location.host}${LIVE_PATH}${query}`;
      },
      onMessage: (message) => {
        const before = this.state.value;
        const after = reduce(before, message);
        if (after === before || after === null) return;
        this.skew = after.at - Date.now() / 1000;
        this.tick();
        this.state.value = after;
        this.say(announcements(before, after));
      },
      onSessionEnded: () => this.endSession(),
      sessionHolds: () => this.sessionHolds(),
    });
    this.link = this.feed.link;
    this.stale = computed(() => this.link.value.phase !== "live" && this.state.value !== null);
  }

  /** Ask who is signed in, then keep time and the feed; returns what ends it all. */
  start(): () => void {
    void this.askWho();
    const clock = setInterval(() => this.tick(), 1000);
    const wake = (): void => {
      if (document.visibilityState === "visible") this.feed.retryNow();
    };
    document.addEventListener("visibilitychange", wake);
    window.addEventListener("online", wake);
    const follow = effect(() => {
      if (this.session.value.phase === "in") this.feed.start();
      else this.feed.stop();
    });
    let wasLost = false;
    const speak = effect(() => {
      const { phase } = this.link.value;
      if (phase === "waiting" && !wasLost) this.say([strings.link.lost]);
      if (phase === "live" && wasLost) this.say([strings.link.back]);
      if (phase !== "connecting") wasLost = phase === "waiting";
    });
    return () => {
      clearInterval(clock);
      document.removeEventListener("visibilitychange", wake);
      window.removeEventListener("online", wake);
      follow();
      speak();
      this.feed.stop();
    };
  }

  async askWho(): Promise<void> {
    try {
      this.session.value = { phase: "in", user: (await this.api.me()).user };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.session.value = error.status === 401 ? { phase: "out", ended: false } : { phase: "failed", error };
    }
  }

  async login(username: string, password: string): Promise<void> {
    const { user } = await this.api.login(username, password);
    this.session.value = { phase: "in", user };
  }

  async logout(): Promise<void> {
    this.leaving = true;
    let provider = "";
    try {
      provider = await this.api.logout();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 401) {
        this.notice.value = `${error.message}. ${error.mend}`;
        return;
      }
    } finally {
      this.leaving = false;
    }
    this.forget(false);
    if (provider) location.assign(provider);
  }

  async acknowledge(id: string, comment: string, expiresIn: number | null = null): Promise<void> {
    this.put([await this.api.acknowledge(id, comment, expiresIn)]);
  }

  async unacknowledge(id: string): Promise<void> {
    this.put([await this.api.unacknowledge(id)]);
  }

  /** Take many on; returns how many could not be. */
  async acknowledgeMany(ids: string[]): Promise<number> {
    const done = await this.api.acknowledgeMany(ids, "");
    this.put(done.alerts);
    return done.refused.length;
  }

  private put(alerts: Alert[]): void {
    const state = this.state.value;
    if (state !== null) this.state.value = { ...state, alerts: mergeAlerts(state.alerts, alerts, []) };
  }

  /** A firing alert's summary; its id where it is not known. */
  alertTitle(id: string): string {
    const alert = this.state.value?.alerts.find((one) => one.id === id);
    return alert === undefined ? id : alert.summary || alert.name;
  }

  /** A component's name as its card has it; the key where it has no card. */
  componentTitle(key: string): string {
    return this.state.value?.health.components.find((component) => component.key === key)?.title ?? capitalised(key);
  }

  retryNow(): void {
    this.feed.retryNow();
  }

  get mayAct(): boolean {
    const session = this.session.value;
    return session.phase === "in" && session.user.role !== "viewer";
  }

  private say(sentences: string[]): void {
    if (sentences.length > 0) this.spoken.value = sentences.join(". ");
  }

  private tick(): void {
    this.now.value = Date.now() / 1000 + this.skew;
  }

  private endSession(): void {
    if (this.session.value.phase === "in") this.forget(!this.leaving);
  }

  private forget(ended: boolean): void {
    this.session.value = { phase: "out", ended };
    this.state.value = null;
    this.notice.value = "";
  }

  private async sessionHolds(): Promise<boolean> {
    try {
      await this.api.me();
      return true;
    } catch (error) {
      return !(error instanceof ApiError && error.status === 401);
    }
  }
}

const StoreContext = createContext<Store | null>(null);
export const StoreProvider = StoreContext.Provider;

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === null) throw new Error("a part of the page stands outside StoreProvider");
  return store;
}
