/** The pages that are fetched when somebody first goes to one of them: together they are a sixth smaller than apart. */

export { MaintenancePage } from "./maintenance";
export { OnCallPage } from "./on-call";
export { QualityPage } from "./quality";
export { RulesPage } from "./rules";
export { SettingsPage } from "./settings";
export { StatisticsPage } from "./statistics";
export { StatusPage } from "./status";
