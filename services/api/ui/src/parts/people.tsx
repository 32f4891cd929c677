/** Logins, tokens and the audit log, for admins. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { formatTime } from "../format";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { strings } from "../strings";
import type { AuditEntry, Role, Token, UserAccount } from "../types";
import { useAttempt, Wrong } from "./attempt";
import { Failure, Section } from "./states";
import { Age } from "./time";

const words = strings.settings;
const ROLES: Role[] = ["viewer", "operator", "admin"];

function RoleChoice({ label, value, change }: { label: string; value: Role; change: (role: Role) => void }): JSX.Element {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => change(event.currentTarget.value as Role)}>
        {ROLES.map((role) => (
          <option key={role} value={role}>
            {role}
          </option>
        ))}
      </select>
    </label>
  );
}

function UserCard({ user, changed }: { user: UserAccount; changed: () => void }): JSX.Element {
  const store = useStore();
  const [error, attempt] = useAttempt();
  const change = async (part: { role?: Role; disabled?: boolean }): Promise<void> => {
    if (await attempt(() => store.api.changeUser(user.id, part))) changed();
  };
  return (
    <article class="card person" aria-label={user.username}>
      <p>
        <strong>{user.username}</strong> {user.disabled && words.disabled}
      </p>
      <p class="quiet">
        {words.sessions(user.sessions)} · {words.seen} <Age at={user.last_seen_at} />
      </p>
      <div class="form-row">
        {user.single_sign_on ? (
          <p class="quiet">{words.byProvider(user.role)}</p>
        ) : (
          <RoleChoice label={words.roleOf(user.username)} value={user.role} change={(role) => void change({ role })} />
        )}
        <button type="button" class="button" onClick={() => void change({ disabled: !user.disabled })}>
          {user.disabled ? words.enable : words.disable}
        </button>
      </div>
      <Wrong text={error} />
    </article>
  );
}

function NewUser({ added }: { added: () => void }): JSX.Element {
  const store = useStore();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [error, attempt] = useAttempt();
  const send = async (): Promise<void> => {
    if (!(await attempt(() => store.api.createUser(name, password, role)))) return;
    setName("");
    setPassword("");
    added();
  };
  return (
    <form
      class="card form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div class="form-row">
        <label>
          {strings.login.username}
          <input value={name} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} required />
        </label>
        <label>
          {words.firstPassword}
          <input
            type="password"
            value={password}
            autocomplete="new-password"
            onInput={(event) => setPassword(event.currentTarget.value)}
            required
          />
        </label>
        <RoleChoice label={words.role} value={role} change={setRole} />
      </div>
      <div class="buttons">
        <button type="submit" class="button">
          {words.addUser}
        </button>
      </div>
      <Wrong text={error} />
    </form>
  );
}

export function People(): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useResource(() => store.api.users(), []);
  return (
    <Section id="users" title={words.users}>
      {error !== null && <Failure error={error} retry={reload} />}
      <div class="cards">
        {data?.users.map((user) => (
          <UserCard key={user.id} user={user} changed={reload} />
        ))}
        <NewUser added={reload} />
      </div>
    </Section>
  );
}

function TokenCard({ token, revoked }: { token: Token; revoked: () => void }): JSX.Element {
  const store = useStore();
  const [error, attempt] = useAttempt();
  const revoke = async (): Promise<void> => {
    if (await attempt(() => store.api.revokeToken(token.id))) revoked();
  };
  return (
    <article class="card person">
      <p>
        <strong>{token.name}</strong> {token.role}
      </p>
      <p class="quiet">
        {strings.alert.by(token.created_by)} · {words.used} <Age at={token.last_used_at} />
        {token.expires_at !== null && ` · ${words.expires(formatTime(token.expires_at))}`}
      </p>
      <button type="button" class="button" onClick={() => void revoke()}>
        {words.revoke}
      </button>
      <Wrong text={error} />
    </article>
  );
}

export function Tokens(): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useResource(() => store.api.tokens(), []);
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [secret, setSecret] = useState("");
  const [wrong, attempt] = useAttempt();
  const make = async (): Promise<void> => {
    const done = await attempt(async () => setSecret((await store.api.createToken(name, role)).token));
    if (!done) return;
    setName("");
    reload();
  };
  return (
    <Section id="tokens" title={words.tokens}>
      {error !== null && <Failure error={error} retry={reload} />}
      <div class="cards">
        {data?.tokens.map((token) => (
          <TokenCard key={token.id} token={token} revoked={reload} />
        ))}
        <form
          class="card form"
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <div class="form-row">
            <label>
              {words.tokenName}
              <input value={name} onInput={(event) => setName(event.currentTarget.value)} required />
            </label>
            <RoleChoice label={words.tokenRole} value={role} change={setRole} />
          </div>
          <div class="buttons">
            <button type="submit" class="button">
              {words.addToken}
            </button>
          </div>
          {secret !== "" && (
            <p class="notice" role="status">
              {words.secret} <code>{secret}</code>
            </p>
          )}
          <Wrong text={wrong} />
        </form>
      </div>
    </Section>
  );
}

export function Audit(): JSX.Element {
  const store = useStore();
  const [older, setOlder] = useState<AuditEntry[]>([]);
  const [next, setNext] = useState<number | null | undefined>(undefined);
  const { data, error, reload } = useResource(() => store.api.audit(null), []);
  const [wrong, attempt] = useAttempt();
  const cursor = next === undefined ? (data?.next_before ?? null) : next;
  const more = async (): Promise<void> => {
    await attempt(async () => {
      const page = await store.api.audit(cursor);
      setOlder((before) => [...before, ...page.entries]);
      setNext(page.next_before);
    });
  };
  return (
    <Section id="audit" title={words.audit}>
      {error !== null && <Failure error={error} retry={reload} />}
      <ul class="card lines">
        {[...(data?.entries ?? []), ...older].map((entry) => (
          <li key={entry.id} class="line audit-line">
            <span>
              <strong>{entry.actor}</strong> {entry.action.replaceAll("_", " ")} {entry.target}
            </span>
            <span class="line-facts">
              {formatTime(entry.at)} {Object.keys(entry.detail).length > 0 && <code>{JSON.stringify(entry.detail)}</code>}
            </span>
          </li>
        ))}
      </ul>
      {cursor !== null && (
        <button type="button" class="button plain more" onClick={() => void more()}>
          {strings.history.more}
        </button>
      )}
      <Wrong text={wrong} />
    </Section>
  );
}
