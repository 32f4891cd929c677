/** Calls of the HTTP API. */

import { strings } from "../strings";
import type {
  Alert,
  AlertChart,
  AlertDetail,
  ApiRule,
  AuditEntry,
  AuditRun,
  Check,
  CheckBody,
  CheckDetail,
  Contact,
  Done,
  DryRun,
  HistoryPage,
  LogErrors,
  Login,
  LoginMethods,
  Matcher,
  MetricLabels,
  MetricList,
  NewCheck,
  OnCall,
  OnCallSchedule,
  OverrideBody,
  Policy,
  PreferenceBody,
  Preferences,
  Preview,
  Problem,
  Quality,
  Role,
  RuleBody,
  RuleGroup,
  RulePreview,
  RunState,
  Silence,
  Statistics,
  Status,
  Task,
  TaskBody,
  TaskDetail,
  TestResult,
  Tasks,
  Token,
  UserAccount,
  Trends,
  Verdict,
  Vocabulary,
} from "../types";

const MONITORING = "/api/admin/monitoring";
export const LIVE_PATH = `${MONITORING}/live`;
const QUALITY = `${MONITORING}/quality`;
const TASKS = `${MONITORING}/maintenance/tasks`;
const UNREACHABLE = 0;
const preferencesOf = (contact: string | null): string =>
  `${MONITORING}/preferences${contact === null ? "" : `?contact=${encodeURIComponent(contact)}`}`;

/** An answer that is no success; `mend` says what to do. Status 0: no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly mend: string,
  ) {
    super(message);
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  const { errors } = strings;
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ApiError(response.status, problem.detail || problem.title || errors.unexpected, problem.mend ?? "");
  } catch {
    // No problem document: a proxy or a crash answered instead of the API.
    return new ApiError(response.status, `${errors.unexpected} (${response.status})`, errors.unexpectedMend);
  }
}

export class Api {
  private csrf = "";

  /** `onSessionEnded` is told of a 401 to any call but the login's own. */
  constructor(private readonly onSessionEnded: () => void) {}

  async login(username: string, password: string): Promise<Login> {
    return this.keep(await this.call<Login>("POST", "/api/auth/login", { username, password }));
  }

  async me(): Promise<Login> {
    return this.keep(await this.call<Login>("GET", "/api/auth/me"));
  }

  loginMethods(): Promise<LoginMethods> {
    return this.call("GET", "/api/auth/methods");
  }

  /** Returns where to sign out at the provider too; "": nowhere. */
  async logout(): Promise<string> {
    return (await this.call<{ provider_url: string }>("POST", "/api/auth/logout")).provider_url;
  }

  alert(id: string): Promise<AlertDetail> {
    return this.call("GET", `${MONITORING}/alerts/${encodeURIComponent(id)}`);
  }

  history(limit: number, cursor: string | null = null, filters: Record<string, string> = {}): Promise<HistoryPage> {
    const query = new URLSearchParams({ limit: String(limit), ...filters, ...(cursor === null ? {} : { cursor }) });
    return this.call("GET", `${MONITORING}/alerts/history?${query.toString()}`);
  }

  acknowledge(id: string, comment: string, expiresIn: number | null = null): Promise<Alert> {
    const body = { ...(comment === "" ? {} : { comment }), ...(expiresIn === null ? {} : { expires_in: expiresIn }) };
    return this.call("POST", `${MONITORING}/alerts/${encodeURIComponent(id)}/acknowledge`, body);
  }

  unacknowledge(id: string): Promise<Alert> {
    return this.call("POST", `${MONITORING}/alerts/${encodeURIComponent(id)}/unacknowledge`, {});
  }

  acknowledgeMany(ids: string[], comment: string): Promise<Done> {
    return this.call("POST", `${MONITORING}/alerts/acknowledge`, { ids, comment });
  }

  comment(id: string, text: string): Promise<AlertDetail> {
    return this.call("POST", `${MONITORING}/alerts/${encodeURIComponent(id)}/comments`, { text });
  }

  judge(id: string, verdict: Verdict): Promise<AlertDetail> {
    return this.call("POST", `${MONITORING}/alerts/${encodeURIComponent(id)}/verdict`, { verdict });
  }

  chart(id: string): Promise<AlertChart> {
    return this.call("GET", `${MONITORING}/alerts/${encodeURIComponent(id)}/chart`);
  }

  silences(): Promise<{ silences: Silence[] }> {
    return this.call("GET", `${MONITORING}/silences`);
  }

  previewSilence(matchers: Matcher[], seconds: number): Promise<Preview> {
    return this.call("POST", `${MONITORING}/silences/preview`, { matchers, duration_seconds: seconds });
  }

  silence(matchers: Matcher[], seconds: number, comment: string, broad: boolean): Promise<Silence> {
    const body = { matchers, duration_seconds: seconds, comment, confirm_broad: broad };
    return this.call("POST", `${MONITORING}/silences`, body);
  }

  expireSilence(id: string): Promise<Silence> {
    return this.call("DELETE", `${MONITORING}/silences/${encodeURIComponent(id)}`);
  }

  onCall(): Promise<OnCall> {
    return this.call("GET", `${MONITORING}/on-call`);
  }

  contacts(): Promise<{ contacts: Contact[]; receivers: string[] }> {
    return this.call("GET", `${MONITORING}/contacts`);
  }

  schedules(): Promise<{ schedules: OnCallSchedule[] }> {
    return this.call("GET", `${MONITORING}/schedules`);
  }

  policies(): Promise<{ policies: Policy[] }> {
    return this.call("GET", `${MONITORING}/escalation-policies`);
  }

  takeOver(schedule: string, body: OverrideBody): Promise<void> {
    return this.call("POST", `${MONITORING}/schedules/${encodeURIComponent(schedule)}/overrides`, body);
  }

  endOverride(schedule: string, id: string): Promise<void> {
    return this.call("DELETE", `${MONITORING}/schedules/${encodeURIComponent(schedule)}/overrides/${encodeURIComponent(id)}`);
  }

  /** One's own where `contact` is null. */
  preferences(contact: string | null): Promise<Preferences> {
    return this.call("GET", preferencesOf(contact));
  }

  savePreferences(contact: string | null, body: PreferenceBody): Promise<Preferences> {
    return this.call("PUT", preferencesOf(contact), body);
  }

  sendTest(to: { contact?: string; receiver?: string }): Promise<{ results: TestResult[] }> {
    return this.call("POST", `${MONITORING}/notifications/test`, to);
  }

  giveContact(user: number, contact: string | null): Promise<void> {
    return this.call("PUT", `/api/admin/users/${user}/contact`, { contact });
  }

  checks(): Promise<{ checks: Check[] }> {
    return this.call("GET", `${MONITORING}/checks`);
  }

  check(id: number): Promise<CheckDetail> {
    return this.call("GET", `${MONITORING}/checks/${id}`);
  }

  createCheck(body: CheckBody): Promise<NewCheck> {
    return this.call("POST", `${MONITORING}/checks`, body);
  }

  changeCheck(id: number, body: CheckBody): Promise<CheckDetail> {
    return this.call("PUT", `${MONITORING}/checks/${id}`, body);
  }

  renewCheckKey(id: number): Promise<NewCheck> {
    return this.call("POST", `${MONITORING}/checks/${id}/key`, {});
  }

  deleteCheck(id: number): Promise<void> {
    return this.call("DELETE", `${MONITORING}/checks/${id}`);
  }

  tasks(): Promise<Tasks> {
    return this.call("GET", TASKS);
  }

  task(id: number): Promise<TaskDetail> {
    return this.call("GET", `${TASKS}/${id}`);
  }

  addUsualTasks(): Promise<Tasks> {
    return this.call("POST", `${TASKS}/usual`, {});
  }

  saveTask(id: number | null, body: TaskBody): Promise<Task> {
    return id === null ? this.call("POST", TASKS, body) : this.call("PUT", `${TASKS}/${id}`, body);
  }

  deleteTask(id: number): Promise<void> {
    return this.call("DELETE", `${TASKS}/${id}`);
  }

  tickTask(id: number, note: string): Promise<TaskDetail> {
    return this.call("POST", `${TASKS}/${id}/ticks`, { note });
  }

  untickTask(id: number, tick: number): Promise<TaskDetail> {
    return this.call("DELETE", `${TASKS}/${id}/ticks/${tick}`);
  }

  quality(branch: string): Promise<Quality> {
    return this.call("GET", `${QUALITY}?${new URLSearchParams(branch === "" ? {} : { branch }).toString()}`);
  }

  auditRun(): Promise<RunState> {
    return this.call("GET", `${QUALITY}/run`);
  }

  runAudit(): Promise<AuditRun> {
    return this.call("POST", `${QUALITY}/run`, {});
  }

  errors(text: string): Promise<LogErrors> {
    return this.call("GET", `${MONITORING}/errors?${new URLSearchParams(text === "" ? {} : { text }).toString()}`);
  }

  metricNames(): Promise<MetricList> {
    return this.call("GET", `${MONITORING}/metrics/names`);
  }

  trends(query: string): Promise<Trends> {
    return this.call("GET", `${MONITORING}/performance/trends?${query}`);
  }

  trendsCsv(query: string): string {
    return `${MONITORING}/performance/trends?${query}&format=csv`;
  }

  rules(): Promise<{ groups: RuleGroup[] }> {
    return this.call("GET", `${MONITORING}/rules`);
  }

  madeRules(): Promise<{ rules: ApiRule[] }> {
    return this.call("GET", `${MONITORING}/rules/made`);
  }

  createRule(rule: RuleBody): Promise<ApiRule> {
    return this.call("POST", `${MONITORING}/rules`, rule);
  }

  changeRule(id: string, rule: RuleBody & { version: number }): Promise<ApiRule> {
    return this.call("PUT", `${MONITORING}/rules/${encodeURIComponent(id)}`, rule);
  }

  deleteRule(id: string): Promise<void> {
    return this.call("DELETE", `${MONITORING}/rules/${encodeURIComponent(id)}`);
  }

  previewRule(rule: RuleBody, hours: number): Promise<RulePreview> {
    return this.call("POST", `${MONITORING}/rules/preview`, { rule, hours });
  }

  vocabulary(): Promise<Vocabulary> {
    return this.call("GET", `${MONITORING}/rules/vocabulary`);
  }

  metricLabels(metric: string): Promise<MetricLabels> {
    return this.call("GET", `${MONITORING}/rules/vocabulary/labels?metric=${encodeURIComponent(metric)}`);
  }

  testRule(id: string, hours: number): Promise<DryRun> {
    return this.call("POST", `${MONITORING}/rules/${encodeURIComponent(id)}/test`, { hours });
  }

  ruleChart(id: string): Promise<AlertChart> {
    return this.call("GET", `${MONITORING}/rules/${encodeURIComponent(id)}/chart`);
  }

  status(): Promise<Status> {
    return this.call("GET", `${MONITORING}/status`);
  }

  statistics(days: number): Promise<Statistics> {
    return this.call("GET", `${MONITORING}/alerts/statistics?days=${days}`);
  }

  changePassword(current: string, wanted: string): Promise<void> {
    return this.call("POST", "/api/auth/password", { current, new: wanted });
  }

  users(): Promise<{ users: UserAccount[] }> {
    return this.call("GET", "/api/admin/users");
  }

  createUser(username: string, password: string, role: Role): Promise<void> {
    return this.call("POST", "/api/admin/users", { username, password, role });
  }

  changeUser(id: number, change: { role?: Role; disabled?: boolean }): Promise<void> {
    return this.call("PUT", `/api/admin/users/${id}`, change);
  }

  tokens(): Promise<{ tokens: Token[] }> {
    return this.call("GET", "/api/admin/tokens");
  }

  createToken(name: string, role: Role): Promise<{ token: string }> {
    return this.call("POST", "/api/admin/tokens", { name, role });
  }

  revokeToken(id: number): Promise<void> {
    return this.call("DELETE", `/api/admin/tokens/${id}`);
  }

  audit(before: number | null): Promise<{ entries: AuditEntry[]; next_before: number | null }> {
    return this.call("GET", `/api/admin/audit?limit=50${before === null ? "" : `&before=${before}`}`);
  }

  private keep(login: Login): Login {
    this.csrf = login.csrf_token;
    return login;
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method !== "GET") headers["X-CSRF-Token"] = this.csrf;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response: Response;
    try {
      response = await fetch(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    } catch {
      throw new ApiError(UNREACHABLE, strings.errors.network, strings.errors.networkMend);
    }
    if (!response.ok) {
      if (response.status === 401 && !path.startsWith("/api/auth/")) this.onSessionEnded();
      throw await problemOf(response);
    }
    // The shape is the API's promise; its own tests hold it to the document that these types follow.
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}
