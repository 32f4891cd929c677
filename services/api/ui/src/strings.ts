/** Every text that the page shows, in one place for translation. */

import type { ComponentStatus, Overall, PanelStatus, Role } from "./types";

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

export const strings = {
  locale: "en",
  product: "Tocsin",
  skip: "Skip to content",
  nav: { label: "Main", overview: "Overview", trends: "Trends" },
  user: { signedInAs: (name: string, role: Role): string => `${name}, ${role}`, signOut: "Sign out" },

  login: {
    title: "Sign in to Tocsin",
    username: "User name",
    password: "Password",
    submit: "Sign in",
    busy: "Signing in…",
    ended: "Your session has ended. Sign in again to go on.",
    help: "No account yet? An administrator makes one with",
    helpCommand: "tocsin user add NAME",
    required: "Fill in both your user name and your password.",
  },

  link: {
    label: "Connection",
    live: "Live",
    connecting: "Connecting…",
    lost: "Disconnected",
    since: "Disconnected from Tocsin since",
    shown: "What you see may be out of date.",
    retryIn: (seconds: number): string => `Trying again in ${seconds} s.`,
    retrying: "Trying to reconnect now…",
    retryNow: "Reconnect now",
    stale: "Out of date",
    back: "Connected again. The page is up to date.",
  },

  overall: {
    operational: "All systems operational",
    degraded: "Degraded",
    down: "Outage",
    unknown: "State unknown",
  } satisfies Record<Overall, string>,
  overallShort: {
    operational: "OK",
    degraded: "Degraded",
    down: "Down",
    unknown: "Unknown",
  } satisfies Record<Overall, string>,
  banner: {
    label: "Overall status",
    updated: "Last updated",
    components: (count: number): string => plural(count, "component", "components"),
    healthy: (healthy: number, all: number): string => `${healthy} of ${all} components healthy`,
    alerts: (count: number): string => (count === 0 ? "no active alerts" : plural(count, "active alert", "active alerts")),
    affected: (names: string[]): string => names.join(", "),
    unknownHelp: "The evaluator gives no values. Check that it runs and reaches its targets.",
  },

  component: {
    title: "Components",
    checked: "Checked",
    never: "Not checked yet",
    none: "No components yet. Add targets to the collector's section of tocsin.yml; they appear here with their first values.",
    noMetrics: "No metrics are recorded for this component.",
    healthy: "Healthy",
    degraded: "Degraded",
    down: "Down",
    unknown: "Unknown",
  } satisfies Record<ComponentStatus, string> & Record<string, string>,

  panel: {
    title: "Metrics",
    none: "No metrics yet. They appear when the rules' recorded series have their first values.",
    noValue: "no value",
    noThreshold: "no threshold",
    noHistory: "No values in the last 15 minutes.",
    compared: "against 5 min ago",
    steady: "steady",
    trend: { up: "rising", down: "falling", flat: "steady", none: "" },
    status: {
      ok: "OK",
      warning: "Warning",
      critical: "Critical",
      unknown: "Unknown",
    } satisfies Record<PanelStatus, string>,
    spark: (low: string, high: string, last: string): string =>
      `Last 15 minutes: lowest ${low}, highest ${high}, now ${last}`,
  },

  alerts: {
    title: "Active alerts",
    none: "No active alerts",
    noneHelp: "Every rule is quiet. A new alert appears here by itself.",
    acknowledge: "Acknowledge",
    acknowledging: "Acknowledging…",
    withComment: "Add comment",
    commentLabel: "Comment (optional)",
    commentHint: "What are you doing about it?",
    cancel: "Cancel",
    acknowledgedBy: "Acknowledged by",
    viewerHelp: "Your role can look only; an operator can acknowledge.",
    offline: "Not possible while disconnected.",
    muted: (reason: string): string => `Not notified again for now: ${reason.replaceAll("_", " ")}`,
    flapping: "Flapping",
    flappingHelp: "This alert has fired and resolved many times in a short time.",
    started: "Started",
    resolved: "Resolved",
    firing: "Firing",
    action: "What to do",
    open: "Open",
    openExternal: "opens in a new tab",
    details: "Details",
    value: "Value",
  },
  severity: { critical: "Critical", warning: "Warning", info: "Info" } as Record<string, string>,
  category: {
    performance: "Performance",
    security: "Security",
    code_quality: "Code quality",
    system: "System",
  } as Record<string, string>,

  history: {
    title: "Recent alerts",
    none: "No alerts have fired yet.",
    noneHelp: "When one does, its whole story is kept here.",
    more: "Show older",
    loading: "Loading…",
    lasted: (duration: string): string => `lasted ${duration}`,
    ongoing: "still firing",
  },

  alert: {
    back: "Overview",
    timeline: "Timeline",
    noTimeline: "Nothing has been recorded for this alert yet.",
    incomplete: "Postgres is away, so notifications and older entries are missing here. They return with it.",
    facts: "Facts",
    chart: "last 15 minutes",
    rule: "Rule",
    expression: "Expression",
    file: "File",
    group: "Group",
    labels: "Labels",
    category: "Category",
    component: "Component",
    duration: "Duration",
    notifications: "Notifications sent",
    kinds: {
      active: "Threshold crossed",
      firing: "Alert fired",
      acknowledged: "Acknowledged",
      unacknowledged: "Acknowledgement taken back",
      notification: "Notification",
      resolved: "Resolved",
    } as Record<string, string>,
    by: (name: string): string => `by ${name}`,
    sent: (channel: string, recipient: string): string =>
      recipient === "" ? `by ${channel}` : `by ${channel} to ${recipient}`,
    missing: "There is no alert at this address",
    missingHelp: "It may be older than the kept history. The overview lists what is known.",
  },

  trends: {
    title: "Trends",
    intro: "The last 15 minutes of every recorded metric, with the thresholds of its rules.",
    all: "Show all metrics",
    unknownMetric: (name: string): string => `No recorded metric is called “${name}”, so all are shown.`,
    chart: (title: string): string => `${title}, last 15 minutes`,
  },

  services: {
    title: "Tocsin itself",
    names: { collector: "Collector", evaluator: "Evaluator", notifier: "Notifier", api: "API" } as Record<string, string>,
    ready: "Ready",
    notReady: "Not ready",
    missing: "Missing",
    missingHelp: (names: string[]): string =>
      `No sign of life from: ${names.join(", ")}. Start ${names.length === 1 ? "it" : "them"} with “tocsin NAME --config FILE” and look at the log.`,
    none: "No service has reported yet.",
    seen: "seen",
  },

  notFound: {
    title: "There is no page at this address",
    help: "It may have moved, or the link is mistyped.",
    back: "Go to the overview",
  },

  errors: {
    network: "Tocsin's API can't be reached",
    networkMend: "Check your connection, or that the API process runs, then try again.",
    unexpected: "The API gave an answer that this page does not understand",
    unexpectedMend: "Reload the page; the API may have been updated meanwhile.",
    retry: "Try again",
    loading: "Loading…",
  },

  shortcuts: {
    title: "Keyboard shortcuts",
    open: "Keyboard shortcuts",
    close: "Close",
    list: [
      ["j", "Next alert"],
      ["k", "Previous alert"],
      ["a", "Acknowledge the focused alert"],
      ["c", "Acknowledge it with a comment"],
      ["Enter", "Open the focused alert"],
      ["g", "Go to the overview"],
      ["?", "Show these shortcuts"],
    ] as [string, string][],
  },

  announce: {
    fired: (severity: string, summary: string): string => `New ${severity} alert: ${summary}`,
    firedMany: (count: number): string => `${count} new alerts`,
    resolved: (summary: string): string => `Resolved: ${summary}`,
    resolvedMany: (count: number): string => `${count} alerts resolved`,
    acknowledged: (summary: string, by: string): string => `${by} acknowledged: ${summary}`,
    overall: (label: string): string => `Overall status: ${label}`,
  },

  title: (state: string, alerts: number): string =>
    alerts === 0 ? `${state} · Tocsin` : `${state} · ${plural(alerts, "alert", "alerts")} · Tocsin`,

  age: { now: "just now", never: "never", ago: (text: string): string => `${text} ago` },
  time: { second: "s", minute: "min", hour: "h", day: "d" },
};
