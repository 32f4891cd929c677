/** The alert list's filters: read from and kept in the address. Pure. */

import type { Alert } from "../types";

export const TABS = ["active", "acknowledged", "silenced", "history"] as const;
export type Tab = (typeof TABS)[number];

export interface Filters {
  tab: Tab;
  severity: string;
  category: string;
  component: string;
  text: string;
  /** Seconds; "" for all. */
  since: string;
}

const KEYS = ["severity", "category", "component", "text", "since"] as const;

export function filtersOf(search: string): Filters {
  const query = new URLSearchParams(search);
  const tab = TABS.find((one) => one === query.get("tab")) ?? "active";
  const [severity, category, component, text, since] = KEYS.map((key) => query.get(key) ?? "") as [string, string, string, string, string];
  return { tab, severity, category, component, text, since: /^\d+$/.test(since) ? since : "" };
}

export function searchOf(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.tab !== "active") query.set("tab", filters.tab);
  for (const key of KEYS) if (filters[key] !== "") query.set(key, filters[key]);
  return query.toString();
}

function mentions(alert: Alert, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  const texts = [alert.name, alert.summary, alert.description, ...Object.values(alert.labels)];
  return wanted === "" || texts.some((one) => one.toLowerCase().includes(wanted));
}

/** What fires and stands under a tab: silenced ones only there, acknowledged ones not among the active. */
export function pick(alerts: Alert[], filters: Filters, hidden: Set<string>, now: number): Alert[] {
  const place = (alert: Alert): Tab =>
    hidden.has(alert.id) ? "silenced" : alert.acknowledged === null ? "active" : "acknowledged";
  return alerts.filter(
    (alert) =>
      place(alert) === filters.tab &&
      (filters.severity === "" || alert.severity === filters.severity) &&
      (filters.category === "" || alert.category === filters.category) &&
      (filters.component === "" || alert.component === filters.component) &&
      (filters.since === "" || alert.starts_at >= now - Number(filters.since)) &&
      mentions(alert, filters.text),
  );
}

/** The filters as the history route takes them. */
export function historyQuery(filters: Filters, now: number): Record<string, string> {
  const { severity, category, component, text, since } = filters;
  const all = { severity, category, component, text: text.trim(), since: since === "" ? "" : String(Math.floor(now - Number(since))) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
}
