/** The shapes of the API's answers, by the names that the page uses; times are seconds since the epoch. */

import type { components } from "./api-types";

type Schemas = components["schemas"];

export type Alert = Schemas["Alert"];
export type AlertDetail = Schemas["AlertDetail"];
export type Check = Schemas["Check"];
export type CheckBody = Schemas["CheckBody"];
export type CheckDetail = Schemas["CheckDetail"];
export type NewCheck = Schemas["NewCheck"];
export type Task = Schemas["Task"];
export type TaskBody = Schemas["TaskBody"];
export type TaskDetail = Schemas["TaskDetail"];
export type Tasks = Schemas["Tasks"];
export type ErrorGroup = Schemas["ErrorGroup"];
export type LogErrors = Schemas["Errors"];
export type Component = Schemas["ComponentHealth"];
export type AlertChart = Schemas["AlertChart"];
export type AuditEntry = Schemas["AuditEntry"];
export type ApiRule = Schemas["ApiRule"];
export type OnCall = Schemas["OnCall"];
export type OnCallSchedule = Schemas["Schedule"];
export type Override = Schemas["Override"];
export type OverrideBody = Schemas["OverrideBody"];
export type Contact = Schemas["Contact"];
export type Policy = Schemas["ShownPolicy"];
export type PreferenceBody = Schemas["PreferenceBody"];
export type Preferences = Schemas["Preferences"];
export type QuietHours = Schemas["ChosenQuietHours"];
export type TestResult = Schemas["TrialResult"];
export type Severity = "critical" | "warning" | "info";
export type Done = Schemas["Acknowledged"];
export type DryRun = Schemas["DryRun"];
export type Health = Schemas["Health"];
export type HistoryPage = Schemas["AlertHistory"];
export type Login = Schemas["Session"];
export type LoginMethods = Schemas["LoginMethods"];
export type Matcher = Schemas["Matcher"];
export type Metrics = Schemas["Realtime"];
export type MetricList = Schemas["MetricList"];
export type Trends = Schemas["Trends"];
export type Panel = Schemas["Panel"];
export type Preview = Schemas["Preview"];
export type Problem = Schemas["Problem"];
export type Rule = Schemas["Rule"];
export type RuleBody = Schemas["RuleBody"];
export type RuleGroup = Schemas["RuleGroup"];
export type RulePreview = Schemas["RulePreview"];
export type Silence = Schemas["Silence"];
export type Statistics = Schemas["Statistics"];
export type Threshold = Schemas["Threshold"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type Verdict = Schemas["Verdict"]["verdict"];
export type Token = Schemas["Token"];
export type UserAccount = Schemas["User"];
export type User = Schemas["SessionUser"];

export type ComponentStatus = Component["status"];
export type Overall = Health["overall"];
export type PanelStatus = Panel["status"];
export type Role = User["role"];
export type Unit = Panel["unit"];

export type Snapshot = Schemas["LiveSnapshot"];
export type Changes = Schemas["LiveChanges"];
export type LiveMessage = Snapshot | Changes | Schemas["LivePing"];
