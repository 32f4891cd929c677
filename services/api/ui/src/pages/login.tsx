import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "../model/api";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { Icon } from "../parts/icon";
import { strings } from "../strings";

const words = strings.login;
const FAILED = "login";

/** Why the provider's way did not lead in, as the address tells it; it is told once. */
function takeFailure(): string | null {
  const query = new URLSearchParams(location.search);
  const reason = query.get(FAILED);
  if (reason === null) return null;
  query.delete(FAILED);
  history.replaceState(null, "", location.pathname + (query.size === 0 ? "" : `?${query.toString()}`));
  return words.failed[reason] ?? words.failedOther;
}

/** The provider's button, once it is known that there is one. */
function Provider(): JSX.Element | null {
  const { api } = useStore();
  const { data } = useResource(() => api.loginMethods(), []);
  if (data?.provider == null) return null;
  const here = location.pathname + location.search + location.hash;
  return (
    <>
      <p class="login-or">{data.password ? words.or : words.providerOnly}</p>
      <a class="button wide" href={`/api/auth/oidc/login?next=${encodeURIComponent(here)}`}>
        {words.provider(data.provider)}
      </a>
    </>
  );
}

export function LoginPage({ ended }: { ended: boolean }): JSX.Element {
  const store = useStore();
  const [error, setError] = useState<string | null>(takeFailure);
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = `${words.submit} · ${strings.product}`;
    first.current?.focus();
  }, []);

  const send = async (form: HTMLFormElement): Promise<void> => {
    const fields = new FormData(form);
    const username = String(fields.get("username")).trim();
    const password = String(fields.get("password"));
    if (username === "" || password === "") {
      setError(words.required);
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await store.login(username, password);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError([caught.message, caught.mend].filter((part) => part !== "").join(" "));
      setBusy(false);
      form.querySelector<HTMLInputElement>("[name=password]")?.select();
    }
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!busy && event.currentTarget instanceof HTMLFormElement) void send(event.currentTarget);
  };
  return (
    <main class="login" id="main" tabIndex={-1}>
      <form class="card login-card" onSubmit={onSubmit} noValidate aria-labelledby="login-title">
        <p class="login-brand">
          <Icon name="bell" />
        </p>
        <h1 id="login-title">{words.title}</h1>
        {ended && <p class="notice">{words.ended}</p>}
        <label>
          {words.username}
          <input ref={first} name="username" type="text" autoComplete="username" autoCapitalize="none" required />
        </label>
        <label>
          {words.password}
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {error !== null && (
          <p class="form-error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="button primary wide" aria-disabled={busy}>
          {busy ? words.busy : words.submit}
        </button>
        <Provider />
        <p class="login-help">
          {words.help} <code>{words.helpCommand}</code>
        </p>
      </form>
    </main>
  );
}
