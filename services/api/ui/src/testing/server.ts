/** An HTTP API whose answers the test names: "METHOD path" → status and body. */

import { vi, type Mock } from "vitest";

export type Answers = Record<string, unknown>;

/** An answer with a status of its own. */
export class Reply {
  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {}
}

export interface Call {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

export const LOGIN = { user: { username: "ana", role: "operator" }, csrf_token: "token-1" };
export const PROBLEM_401 = new Reply(401, { title: "Unauthorized", detail: "Nobody is logged in.", mend: "Log in." });

/** Put `fetch` in the test's hands; what has no answer here can't be reached. */
export function serve(answers: Answers): Call[] {
  const calls: Call[] = [];
  const fake: Mock = vi.fn(async (path: string, init: RequestInit) => {
    const method = init.method ?? "GET";
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : undefined;
    calls.push({ method, path, headers: init.headers as Record<string, string>, body });
    const answer = answers[`${method} ${path}`] ?? answers[`${method} ${path.split("?")[0]}`];
    if (answer === undefined) throw new TypeError("Failed to fetch");
    if (answer instanceof Reply) {
      return typeof answer.body === "string"
        ? new Response(answer.body, { status: answer.status })
        : Response.json(answer.body, { status: answer.status });
    }
    return Response.json(answer);
  });
  vi.stubGlobal("fetch", fake);
  return calls;
}
