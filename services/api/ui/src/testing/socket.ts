/** A WebSocket whose server is the test. */

export class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }

  close(): void {
    this.closed = true;
  }

  /** The server accepts and says the given messages. */
  accept(...messages: unknown[]): void {
    this.onopen?.();
    this.say(...messages);
  }

  say(...messages: unknown[]): void {
    for (const message of messages) {
      this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
    }
  }

  hangUp(code = 1006): void {
    this.onclose?.({ code });
  }
}
