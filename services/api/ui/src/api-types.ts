/** Made by dev/generate-types.mjs from the API's OpenAPI document; change the API's models, not this. */
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AcknowledgeBody
         * @description What the person says on taking the alert on, and for how long they do.
         */
        AcknowledgeBody: {
            /**
             * Comment
             * @default
             */
            comment?: string;
            /**
             * Expires In
             * @default null
             */
            expires_in?: number | null;
        };
        /**
         * Acknowledged
         * @description The alerts as they stand now, and those that could not be taken on.
         */
        Acknowledged: {
            /** Alerts */
            alerts: components["schemas"]["Alert"][];
            /** Refused */
            refused: components["schemas"]["Refused"][];
        };
        /**
         * AcknowledgeManyBody
         * @description Which alerts are taken on together.
         */
        AcknowledgeManyBody: {
            /**
             * Comment
             * @default
             */
            comment?: string;
            /**
             * Expires In
             * @default null
             */
            expires_in?: number | null;
            /** Ids */
            ids: string[];
        };
        /**
         * Acknowledgement
         * @description Who took the alert on.
         */
        Acknowledgement: {
            /** At */
            at: number;
            /** By */
            by: string;
            /** Comment */
            comment: string;
            /**
             * Until
             * @default null
             */
            until: number | null;
        };
        /**
         * ActiveAlerts
         * @description What fires now: worst severity first, then the oldest.
         */
        ActiveAlerts: {
            /** Alerts */
            alerts: components["schemas"]["Alert"][];
        };
        /**
         * Alert
         * @description One episode of an alert: a label set from its first firing to its resolve.
         */
        Alert: {
            acknowledged: components["schemas"]["Acknowledgement"] | null;
            /** Action */
            action: string;
            /** Action Link */
            action_link: string;
            /** Active At */
            active_at: number;
            /** Annotations */
            annotations: {
                [key: string]: string;
            };
            /** Category */
            category: string;
            /** Component */
            component: string;
            /** Description */
            description: string;
            /** Ends At */
            ends_at: number | null;
            /** Fingerprint */
            fingerprint: string;
            /** Flapping */
            flapping: boolean;
            /** Id */
            id: string;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Muted */
            muted: string;
            /** Muted Until */
            muted_until: number | null;
            /** Name */
            name: string;
            /** Notifications */
            notifications: number;
            rule: components["schemas"]["AlertRule"];
            /** Severity */
            severity: string;
            /** Starts At */
            starts_at: number;
            /**
             * Status
             * @enum {string}
             */
            status: "firing" | "resolved";
            /** Summary */
            summary: string;
            /** Value */
            value: number | null;
        };
        /**
         * AlertChanges
         * @description Alerts to put in place of those with the same id, and ids that fire no more.
         */
        AlertChanges: {
            /** Remove */
            remove: string[];
            /** Upsert */
            upsert: components["schemas"]["Alert"][];
        };
        /**
         * AlertChart
         * @description What an alert's rule compares, and the limits.
         */
        AlertChart: {
            /** End */
            end: number;
            /** Expr */
            expr: string;
            /** Series */
            series: components["schemas"]["ChartSeries"][];
            /** Start */
            start: number;
            /** Step */
            step: number;
            /** Thresholds */
            thresholds: components["schemas"]["Threshold"][];
        };
        /**
         * AlertDetail
         * @description An alert with its story.
         */
        AlertDetail: {
            acknowledged: components["schemas"]["Acknowledgement"] | null;
            /** Action */
            action: string;
            /** Action Link */
            action_link: string;
            /** Active At */
            active_at: number;
            /** Annotations */
            annotations: {
                [key: string]: string;
            };
            /** Category */
            category: string;
            /** Complete */
            complete: boolean;
            /** Component */
            component: string;
            /** Description */
            description: string;
            /** Ends At */
            ends_at: number | null;
            /** Fingerprint */
            fingerprint: string;
            /** Flapping */
            flapping: boolean;
            /** Id */
            id: string;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Muted */
            muted: string;
            /** Muted Until */
            muted_until: number | null;
            /** Name */
            name: string;
            /** Notifications */
            notifications: number;
            rule: components["schemas"]["AlertRule"];
            /** Severity */
            severity: string;
            /** Starts At */
            starts_at: number;
            /**
             * Status
             * @enum {string}
             */
            status: "firing" | "resolved";
            /** Summary */
            summary: string;
            /** Timeline */
            timeline: components["schemas"]["TimelineEntry"][];
            /** Value */
            value: number | null;
            verdict: components["schemas"]["Verdict"] | null;
        };
        /**
         * AlertHistory
         * @description One page of the record, newest first.
         */
        AlertHistory: {
            /** Alerts */
            alerts: components["schemas"]["RecordedAlert"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * AlertRule
         * @description The rule that the alert comes from.
         */
        AlertRule: {
            /** Cooldown Seconds */
            cooldown_seconds: number;
            /** Expr */
            expr: string;
            /** File */
            file: string;
            /** For Seconds */
            for_seconds: number;
            /** Group */
            group: string;
            /** Max Alerts Per Hour */
            max_alerts_per_hour: number;
            /** Name */
            name: string;
        };
        /**
         * ApiRule
         * @description One rule made here.
         */
        ApiRule: {
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Expr */
            expr: string;
            /** Id */
            id: string;
            rule: components["schemas"]["RuleBody"];
            /** Updated At */
            updated_at: number;
            /** Updated By */
            updated_by: string;
            /** Version */
            version: number;
        };
        /**
         * ApiRuleDetail
         * @description One rule with its versions, newest first (at most 50).
         */
        ApiRuleDetail: {
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Expr */
            expr: string;
            /** Id */
            id: string;
            rule: components["schemas"]["RuleBody"];
            /** Updated At */
            updated_at: number;
            /** Updated By */
            updated_by: string;
            /** Version */
            version: number;
            /** Versions */
            versions: components["schemas"]["RuleVersion"][];
        };
        /**
         * ApiRules
         * @description All rules made here.
         */
        ApiRules: {
            /** Rules */
            rules: components["schemas"]["ApiRule"][];
        };
        /**
         * Audit
         * @description One audit with its scores: null where a report was missing, all while it is not finished.
         */
        Audit: {
            /** Architecture */
            architecture: number | null;
            /** At */
            at: number;
            /** Branch */
            branch: string;
            /** Commit */
            commit: string;
            /** Created By */
            created_by: string;
            /** Finished At */
            finished_at: number | null;
            /** Id */
            id: number;
            /** Lines */
            lines: number;
            /** Overall */
            overall: number | null;
            /** Performance */
            performance: number | null;
            /** Security */
            security: number | null;
            /** Testing */
            testing: number | null;
        };
        /**
         * AuditBody
         * @description What was audited.
         */
        AuditBody: {
            /**
             * At
             * @default null
             */
            at?: number | null;
            /** Branch */
            branch: string;
            /** Commit */
            commit: string;
            /** Lines Of Code */
            lines_of_code: number;
        };
        /**
         * AuditEntry
         * @description One change: by whom, what, on what.
         */
        AuditEntry: {
            /** Action */
            action: string;
            /** Actor */
            actor: string;
            /** At */
            at: number;
            /** Detail */
            detail: {
                [key: string]: unknown;
            };
            /** Id */
            id: number;
            /** Target */
            target: string;
        };
        /**
         * AuditLog
         * @description One page of the log, newest first.
         */
        AuditLog: {
            /** Entries */
            entries: components["schemas"]["AuditEntry"][];
            /** Next Before */
            next_before: number | null;
        };
        /**
         * AuditRun
         * @description One run of the audit command.
         */
        AuditRun: {
            /** Audit Id */
            audit_id: number | null;
            /** Detail */
            detail: string;
            /** Exit Code */
            exit_code: number | null;
            /** Finished At */
            finished_at: number | null;
            /** Id */
            id: number;
            /** Output */
            output: string;
            /**
             * Result
             * @enum {string}
             */
            result: "running" | "done" | "failed" | "timed_out" | "no_reports" | "bad_report" | "lost";
            /** Started At */
            started_at: number;
            /** Started By */
            started_by: string;
        };
        /**
         * ChangeBody
         * @description The rule as it is to be from now on.
         */
        ChangeBody: {
            /**
             * Action
             * @default
             */
            action?: string;
            /**
             * Action Link
             * @default
             */
            action_link?: string;
            /**
             * Category
             * @default performance
             * @enum {string}
             */
            category?: "performance" | "security" | "code_quality" | "system";
            /**
             * Channels
             * @default []
             */
            channels?: string[];
            /**
             * Component
             * @default
             */
            component?: string;
            /**
             * Cooldown Seconds
             * @default null
             */
            cooldown_seconds?: number | null;
            /**
             * Description
             * @default
             */
            description?: string;
            /**
             * Enabled
             * @default true
             */
            enabled?: boolean;
            /**
             * Expr
             * @default null
             */
            expr?: string | null;
            /**
             * For Seconds
             * @default 0
             */
            for_seconds?: number;
            /** @default null */
            form?: components["schemas"]["ThresholdForm"] | null;
            /**
             * Interval Seconds
             * @default null
             */
            interval_seconds?: number | null;
            /**
             * Keep Firing Seconds
             * @default 0
             */
            keep_firing_seconds?: number;
            /** Labels */
            labels?: {
                [key: string]: string;
            };
            /**
             * Max Alerts Per Hour
             * @default null
             */
            max_alerts_per_hour?: number | null;
            /** Name */
            name: string;
            /**
             * Severity
             * @default warning
             * @enum {string}
             */
            severity?: "critical" | "warning" | "info";
            /**
             * Summary
             * @default
             */
            summary?: string;
            /** Version */
            version: number;
        };
        /**
         * ChannelFigures
         * @description One channel's messages of the last 24 hours; a message that a later attempt delivered counts as delivered.
         */
        ChannelFigures: {
            /** Attempts */
            attempts: number;
            /** Channel */
            channel: string;
            /** Delivered */
            delivered: number;
            /** Failed */
            failed: number;
            /** Last Failure */
            last_failure: number | null;
            /** Last Reason */
            last_reason: string;
            /** Messages */
            messages: number;
            /** P95 */
            p95: number | null;
            /** Waiting */
            waiting: number;
        };
        /**
         * ChartSeries
         * @description One series of a chart; points are time and value.
         */
        ChartSeries: {
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Points */
            points: [
                number,
                number
            ][];
        };
        /**
         * Check
         * @description One job and how it stands now.
         */
        Check: {
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Description */
            description: string;
            /** Due At */
            due_at: number | null;
            /** Grace Seconds */
            grace_seconds: number;
            /** Id */
            id: number;
            /** Last Ping At */
            last_ping_at: number | null;
            /** Last Seconds */
            last_seconds: number | null;
            /** Last Success At */
            last_success_at: number | null;
            /** Late Seconds */
            late_seconds: number;
            /** Name */
            name: string;
            /** Period Seconds */
            period_seconds: number | null;
            /**
             * Reason
             * @enum {string}
             */
            reason: "" | "failed" | "overran" | "missed";
            /** Running Since */
            running_since: number | null;
            /** Schedule */
            schedule: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "new" | "up" | "late" | "down" | "started";
            /** Timezone */
            timezone: string;
        };
        /**
         * CheckBody
         * @description A job that is to report: by a period or by a schedule, one of the two.
         */
        CheckBody: {
            /**
             * Description
             * @default
             */
            description?: string;
            /**
             * Grace Seconds
             * @default 600
             */
            grace_seconds?: number;
            /** Name */
            name: string;
            /**
             * Period Seconds
             * @default null
             */
            period_seconds?: number | null;
            /**
             * Schedule
             * @default null
             */
            schedule?: string | null;
            /**
             * Timezone
             * @default UTC
             */
            timezone?: string;
        };
        /**
         * CheckCounts
         * @description How many heartbeat checks are in each state.
         */
        CheckCounts: {
            /**
             * Down
             * @default 0
             */
            down: number;
            /**
             * Late
             * @default 0
             */
            late: number;
            /**
             * New
             * @default 0
             */
            new: number;
            /**
             * Started
             * @default 0
             */
            started: number;
            /**
             * Up
             * @default 0
             */
            up: number;
        };
        /**
         * CheckDetail
         * @description A check with its last 100 reports, newest first.
         */
        CheckDetail: {
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Description */
            description: string;
            /** Due At */
            due_at: number | null;
            /** Grace Seconds */
            grace_seconds: number;
            /** Id */
            id: number;
            /** Last Ping At */
            last_ping_at: number | null;
            /** Last Seconds */
            last_seconds: number | null;
            /** Last Success At */
            last_success_at: number | null;
            /** Late Seconds */
            late_seconds: number;
            /** Name */
            name: string;
            /** Period Seconds */
            period_seconds: number | null;
            /** Pings */
            pings: components["schemas"]["Ping"][];
            /**
             * Reason
             * @enum {string}
             */
            reason: "" | "failed" | "overran" | "missed";
            /** Running Since */
            running_since: number | null;
            /** Schedule */
            schedule: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "new" | "up" | "late" | "down" | "started";
            /** Timezone */
            timezone: string;
        };
        /**
         * Checks
         * @description All checks by name.
         */
        Checks: {
            /** Checks */
            checks: components["schemas"]["Check"][];
        };
        /**
         * ChosenChannel
         * @description One of the contact's channels: `email/0`, or `email` for all of that kind.
         */
        ChosenChannel: {
            /** Channel */
            channel: string;
            /**
             * Severities
             * @default null
             */
            severities?: ("critical" | "warning" | "info")[] | null;
        };
        /**
         * ChosenQuietHours
         * @description A time of the day on some days; where `to` is not after `from` it ends on the next day.
         */
        ChosenQuietHours: {
            /**
             * Critical Passes
             * @default true
             */
            critical_passes?: boolean;
            /**
             * Days
             * @default [
             *       "monday",
             *       "tuesday",
             *       "wednesday",
             *       "thursday",
             *       "friday",
             *       "saturday",
             *       "sunday"
             *     ]
             */
            days?: ("monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday")[];
            /** From */
            from: string;
            /** Time Zone */
            time_zone: string;
            /** To */
            to: string;
        };
        /**
         * ChosenRateLimit
         * @description So many messages an hour; what is over it is bundled.
         */
        ChosenRateLimit: {
            /**
             * Critical Within
             * @default 60
             */
            critical_within?: number;
            /** Per Hour */
            per_hour: number;
        };
        /**
         * CommentBody
         * @description What somebody has to say.
         */
        CommentBody: {
            /** Text */
            text: string;
        };
        /**
         * ComponentHealth
         * @description One component's state as the rules see it.
         */
        ComponentHealth: {
            /** Key */
            key: string;
            /** Last Check */
            last_check: number | null;
            /** Message */
            message: string;
            /** Metrics */
            metrics: components["schemas"]["Panel"][];
            /**
             * Status
             * @enum {string}
             */
            status: "healthy" | "degraded" | "down" | "unknown";
            /** Title */
            title: string;
        };
        /**
         * ConfigState
         * @description One kind of configuration of one service.
         */
        ConfigState: {
            /** In Force */
            in_force: boolean;
            /** Kind */
            kind: string;
            /** Service */
            service: string;
            /** Since */
            since: number | null;
        };
        /**
         * Contact
         * @description Somebody who can be told, and whose login it is.
         */
        Contact: {
            /** Fallback After */
            fallback_after: number;
            file: components["schemas"]["HowTold"];
            /** Logins */
            logins: components["schemas"]["ContactLogin"][];
            /** Mine */
            mine: boolean;
            /** Name */
            name: string;
            now: components["schemas"]["HowTold"];
            /** Place */
            place: string;
            /** Title */
            title: string;
            /** Warnings */
            warnings: string[];
        };
        /**
         * ContactLogin
         * @description A login that is a contact.
         */
        ContactLogin: {
            /** Given */
            given: boolean;
            /** Id */
            id: number;
            /** Username */
            username: string;
        };
        /**
         * Contacts
         * @description Everybody of the notifier's file, in its order.
         */
        Contacts: {
            /** Contacts */
            contacts: components["schemas"]["Contact"][];
            /** Receivers */
            receivers: string[];
        };
        /**
         * DeadLetters
         * @description Entries that can't be used, kept aside.
         */
        DeadLetters: {
            /** Entries */
            entries: number;
            /** Stream */
            stream: string;
        };
        /**
         * DeliveryPart
         * @description Whether messages reach people.
         */
        DeliveryPart: {
            /** Channels */
            channels: components["schemas"]["ChannelFigures"][];
            /** Missing */
            missing: string;
        };
        /**
         * Deployment
         * @description A deployment as it is kept.
         */
        Deployment: {
            /** At */
            at: number;
            /** By */
            by: string;
            /** Component */
            component: string;
            /** Id */
            id: number;
            /** Link */
            link: string;
            /** Version */
            version: string;
        };
        /**
         * DeploymentBody
         * @description Something was put into service.
         */
        DeploymentBody: {
            /**
             * At
             * @default null
             */
            at?: number | null;
            /**
             * Component
             * @example fastapi
             */
            component: string;
            /**
             * Link
             * @default
             */
            link?: string;
            /**
             * Version
             * @example 2.4.1
             */
            version: string;
        };
        /**
         * Deployments
         * @description The newest deployments, at most 200.
         */
        Deployments: {
            /** Deployments */
            deployments: components["schemas"]["Deployment"][];
        };
        /**
         * DismissBody
         * @description Why nothing is done about it now.
         */
        DismissBody: {
            /** Reason */
            reason: string;
        };
        /**
         * DryRun
         * @description When a rule would have fired, by the samples that are kept.
         */
        DryRun: {
            /** Count */
            count: number;
            /** End */
            end: number;
            /** Expr */
            expr: string;
            /** Firings */
            firings: components["schemas"]["Firing"][];
            /** Recorded */
            recorded: boolean;
            /** Series */
            series: components["schemas"]["ChartSeries"][];
            /** Start */
            start: number;
            /** Step */
            step: number;
        };
        /**
         * DutyNow
         * @description Who has one schedule's duty now, and who has it next.
         */
        DutyNow: {
            /** Gap */
            gap: boolean;
            /** Name */
            name: string;
            /** Next */
            next: string[];
            /** People */
            people: string[];
            /** Until */
            until: number | null;
        };
        /**
         * ErrorExample
         * @description The last occurrence, without secrets.
         */
        ErrorExample: {
            /** At */
            at: number;
            /** Fields */
            fields: {
                [key: string]: string;
            };
            /** File */
            file: string;
            /** Logger */
            logger: string;
            /** Message */
            message: string;
            /** Traceback */
            traceback: string;
        };
        /**
         * ErrorGroup
         * @description One kind of error of one service.
         */
        ErrorGroup: {
            /** Count */
            count: number;
            example: components["schemas"]["ErrorExample"];
            /** Fingerprint */
            fingerprint: string;
            /** First Seen */
            first_seen: number;
            /** Last Seen */
            last_seen: number;
            /** Level */
            level: string;
            /** Message */
            message: string;
            /** Service */
            service: string;
            /** Target */
            target: string;
            /** Trend */
            trend: [
                number,
                number
            ][];
            /** Type */
            type: string;
        };
        /**
         * Errors
         * @description Errors that fit, the latest first.
         */
        Errors: {
            /** At */
            at: number;
            /** Configured */
            configured: boolean;
            /** Errors */
            errors: components["schemas"]["ErrorGroup"][];
            /** Missing */
            missing: string[];
            /** Services */
            services: string[];
            /** Total */
            total: number;
        };
        /**
         * ExternalService
         * @description One service of others: how its check went.
         */
        ExternalService: {
            /** Name */
            name: string;
            /** Seconds */
            seconds: number | null;
            /**
             * Status
             * @enum {string}
             */
            status: "up" | "down" | "unknown";
        };
        /**
         * Firing
         * @description One time that the rule would have fired.
         */
        Firing: {
            /** Ends At */
            ends_at: number | null;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Starts At */
            starts_at: number;
        };
        /**
         * FirstTold
         * @description Whom a policy's first step tells now.
         */
        FirstTold: {
            /** Name */
            name: string;
            /** People */
            people: string[];
            /** Receivers */
            receivers: string[];
        };
        /**
         * FoundThing
         * @description One finding.
         */
        FoundThing: {
            /** File */
            file: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "bandit" | "coverage" | "junit" | "mypy" | "osv-scanner" | "pip-audit" | "radon-cc" | "radon-mi" | "ruff" | "sarif";
            /** Line */
            line: number;
            /** Message */
            message: string;
            /** Rule */
            rule: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "critical" | "warning" | "info";
            /** Tool */
            tool: string;
        };
        /**
         * Health
         * @description The state of the watched stack and of Tocsin itself.
         */
        Health: {
            /** At */
            at: number;
            /** Components */
            components: components["schemas"]["ComponentHealth"][];
            /** External */
            external: components["schemas"]["ExternalService"][];
            /** Missing Services */
            missing_services: string[];
            /**
             * Overall
             * @enum {string}
             */
            overall: "operational" | "degraded" | "down" | "unknown";
            /** Services */
            services: components["schemas"]["ServiceHealth"][];
        };
        /**
         * HiddenAlert
         * @description One alert that a silence hides.
         */
        HiddenAlert: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Severity */
            severity: string;
            /** Summary */
            summary: string;
        };
        /**
         * HistoryPart
         * @description Samples on their way to Postgres.
         */
        HistoryPart: {
            /** Backlog Bytes */
            backlog_bytes: number;
            /** Dropped */
            dropped: number;
            /** Head Bytes */
            head_bytes: number;
            /** Head Series */
            head_series: number;
            /** Missing */
            missing: string;
            /** Queued */
            queued: number;
        };
        /**
         * HistorySeries
         * @description One label set's past.
         */
        HistorySeries: {
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Points */
            points: [
                number,
                number,
                number,
                number
            ][];
        };
        /**
         * HowTold
         * @description How somebody is told: by which channels in their order, when not, and how much at once.
         */
        HowTold: {
            /** Channels */
            channels: components["schemas"]["ShownChannel"][];
            /**
             * Deliver
             * @enum {string}
             */
            deliver: "first" | "all";
            /** Quiet Hours */
            quiet_hours: components["schemas"]["ChosenQuietHours"][];
            rate_limit: components["schemas"]["ChosenRateLimit"] | null;
        };
        /**
         * ItemScore
         * @description What a part is made of.
         */
        ItemScore: {
            /**
             * Key
             * @enum {string}
             */
            key: "complexity" | "maintainability" | "types" | "lint" | "code" | "dependencies" | "efficiency" | "slow_tests" | "coverage" | "results";
            /** Lost */
            lost: number;
            /** Measure */
            measure: number | null;
            /**
             * Needs
             * @enum {string}
             */
            needs: "bandit" | "coverage" | "junit" | "mypy" | "osv-scanner" | "pip-audit" | "radon-cc" | "radon-mi" | "ruff" | "sarif";
            /**
             * Part
             * @enum {string}
             */
            part: "architecture" | "security" | "performance" | "testing";
            /** Score */
            score: number | null;
        };
        /**
         * KnownVulnerability
         * @description A known hole of an installed package and the version that mends it, if there is one.
         */
        KnownVulnerability: {
            /** Aliases */
            aliases: string[];
            /** Fixed Version */
            fixed_version: string;
            /** Id */
            id: string;
            /** Installed */
            installed: string;
            /** Package */
            package: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "critical" | "high" | "medium" | "low" | "unknown";
            /** Summary */
            summary: string;
        };
        /**
         * LabelCondition
         * @description Which series of a metric are meant.
         */
        LabelCondition: {
            /** Name */
            name: string;
            /**
             * Op
             * @enum {string}
             */
            op: "=" | "!=" | "=~" | "!~";
            /** Value */
            value: string;
        };
        /**
         * LiveChanges
         * @description What changed since the message before; parts that did not change are left out.
         */
        LiveChanges: {
            /** @default null */
            alerts?: components["schemas"]["AlertChanges"] | null;
            /** At */
            at: number;
            /** @default null */
            health?: components["schemas"]["Health"] | null;
            /** @default null */
            metrics?: components["schemas"]["Realtime"] | null;
            /** Seq */
            seq: number;
            /**
             * Since
             * @default null
             */
            since?: number | null;
            /**
             * Type
             * @constant
             */
            type: "changes";
        };
        /**
         * LivePing
         * @description Sent every 15 s, so that a dead connection is noticed.
         */
        LivePing: {
            /**
             * Type
             * @default ping
             * @constant
             */
            type: "ping";
        };
        /**
         * LiveSnapshot
         * @description Everything as of `seq`: the first message of a connection.
         */
        LiveSnapshot: {
            /** Alerts */
            alerts: components["schemas"]["Alert"][];
            /** At */
            at: number;
            /** Epoch */
            epoch: string;
            health: components["schemas"]["Health"];
            metrics: components["schemas"]["Realtime"];
            /** Seq */
            seq: number;
            /**
             * Type
             * @default snapshot
             * @constant
             */
            type: "snapshot";
        };
        /**
         * LoggedOut
         * @description The session has ended.
         */
        LoggedOut: {
            /**
             * Logged Out
             * @default true
             */
            logged_out: boolean;
            /**
             * Provider Url
             * @default
             */
            provider_url: string;
        };
        /**
         * LoginBody
         * @description Username and password.
         */
        LoginBody: {
            /** Password */
            password: string;
            /** Username */
            username: string;
        };
        /**
         * LoginMethods
         * @description How one can log in here.
         */
        LoginMethods: {
            /** Password */
            password: boolean;
            /** Provider */
            provider: string | null;
        };
        /**
         * MaintenanceAlerts
         * @description Firing alerts of the categories code_quality and system, worst first.
         */
        MaintenanceAlerts: {
            /** Alerts */
            alerts: components["schemas"]["Alert"][];
        };
        /**
         * MaintenanceHealth
         * @description The whole in a word, and what speaks for it.
         */
        MaintenanceHealth: {
            /** At */
            at: number;
            /** Checks Known */
            checks_known: boolean;
            /** Open Alerts */
            open_alerts: number;
            /** Overdue */
            overdue: string[];
            /** Overdue Tasks */
            overdue_tasks: string[];
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "attention" | "critical" | "unknown";
            /** Tasks Known */
            tasks_known: boolean;
        };
        /**
         * MaintenanceMetrics
         * @description Counts for a chart or a report.
         */
        MaintenanceMetrics: {
            /** At */
            at: number;
            /** By Category */
            by_category: {
                [key: string]: number;
            };
            /** By Severity */
            by_severity: {
                [key: string]: number;
            };
            checks: components["schemas"]["CheckCounts"] | null;
            /** Dismissed Alerts */
            dismissed_alerts: number;
            /** Open Alerts */
            open_alerts: number;
            tasks: components["schemas"]["TaskCounts"] | null;
        };
        /**
         * Marker
         * @description Something that happened: an alert that fired, or a deployment.
         */
        Marker: {
            /** At */
            at: number;
            /** Component */
            component: string;
            /** End */
            end: number | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "alert" | "deployment";
            /** Link */
            link: string;
            /** Severity */
            severity: string;
            /** Text */
            text: string;
        };
        /**
         * Matcher
         * @description One condition on a label; regular expressions (RE2) must fit the whole value.
         */
        Matcher: {
            /** Name */
            name: string;
            /**
             * Op
             * @enum {string}
             */
            op: "=" | "!=" | "=~" | "!~";
            /** Value */
            value: string;
        };
        /**
         * MetricHistory
         * @description The past of one metric, a point for each `step` seconds that has values.
         */
        MetricHistory: {
            /** Component */
            component: string;
            /** End */
            end: number;
            /** Key */
            key: string;
            /** Level */
            level: string;
            /** Metric */
            metric: string;
            /** Series */
            series: components["schemas"]["HistorySeries"][];
            /** Start */
            start: number;
            /** Step */
            step: number;
            /** Title */
            title: string;
            /** Truncated */
            truncated: boolean;
            /**
             * Unit
             * @enum {string}
             */
            unit: "seconds" | "ratio" | "count" | "per_second" | "bytes";
        };
        /**
         * MetricLabels
         * @description The labels of a metric's series with their values, at most 100 of each.
         */
        MetricLabels: {
            /** Labels */
            labels: {
                [key: string]: string[];
            };
        };
        /**
         * MetricList
         * @description The panels' metrics first, then what else is recorded.
         */
        MetricList: {
            /** Metrics */
            metrics: components["schemas"]["RecordedMetric"][];
        };
        /**
         * NewCheck
         * @description A check with a new key: `ping_url` holds it and is shown this once.
         */
        NewCheck: {
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Description */
            description: string;
            /** Due At */
            due_at: number | null;
            /** Grace Seconds */
            grace_seconds: number;
            /** Id */
            id: number;
            /** Last Ping At */
            last_ping_at: number | null;
            /** Last Seconds */
            last_seconds: number | null;
            /** Last Success At */
            last_success_at: number | null;
            /** Late Seconds */
            late_seconds: number;
            /** Name */
            name: string;
            /** Period Seconds */
            period_seconds: number | null;
            /** Ping Url */
            ping_url: string;
            /**
             * Reason
             * @enum {string}
             */
            reason: "" | "failed" | "overran" | "missed";
            /** Running Since */
            running_since: number | null;
            /** Schedule */
            schedule: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "new" | "up" | "late" | "down" | "started";
            /** Timezone */
            timezone: string;
        };
        /**
         * NewToken
         * @description A token just made: `token` is shown this once.
         */
        NewToken: {
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: number | null;
            /** Id */
            id: number;
            /** Last Used At */
            last_used_at: number | null;
            /** Name */
            name: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
            /** Token */
            token: string;
        };
        /**
         * OnCall
         * @description Who is on call now.
         */
        OnCall: {
            /** At */
            at: number;
            /** Configured */
            configured: boolean;
            /** Contact */
            contact: string;
            /** Contact Known */
            contact_known: boolean;
            /** Policies */
            policies: components["schemas"]["FirstTold"][];
            /** Schedules */
            schedules: components["schemas"]["DutyNow"][];
            /** Titles */
            titles: {
                [key: string]: string;
            };
            /** Warnings */
            warnings: components["schemas"]["OnCallWarning"][];
        };
        /**
         * OnCallWarning
         * @description What would reach nobody.
         */
        OnCallWarning: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "contact" | "schedule" | "policy";
            /** Name */
            name: string;
            /** Place */
            place: string;
            /** Text */
            text: string;
        };
        /**
         * Override
         * @description Somebody takes over for a while.
         */
        Override: {
            /** Comment */
            comment: string;
            /** Contact */
            contact: string | null;
            /** Created By */
            created_by: string;
            /** Ends At */
            ends_at: number;
            /** Id */
            id: string;
            /** Ignored */
            ignored: string;
            /** Instead Of */
            instead_of: string | null;
            /** Removable */
            removable: boolean;
            /** Starts At */
            starts_at: number;
        };
        /**
         * OverrideBody
         * @description I take over, or an admin says who does.
         */
        OverrideBody: {
            /**
             * Comment
             * @default
             */
            comment?: string;
            /**
             * Contact
             * @default null
             */
            contact?: string | null;
            /** Ends At */
            ends_at: number;
            /**
             * Instead Of
             * @default null
             */
            instead_of?: string | null;
            /** Starts At */
            starts_at: number;
        };
        /**
         * OverrideMade
         * @description A takeover that was agreed.
         */
        OverrideMade: {
            /** Comment */
            comment: string;
            /** Contact */
            contact: string;
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Ends At */
            ends_at: number;
            /** Id */
            id: string;
            /** Instead Of */
            instead_of: string | null;
            /** Pending */
            pending: string;
            /** Schedule */
            schedule: string;
            /** Starts At */
            starts_at: number;
        };
        /**
         * Panel
         * @description One number of the overview with its limits and its last 15 minutes.
         */
        Panel: {
            /** Change */
            change: number | null;
            /** Component */
            component: string;
            /** Grid */
            grid: boolean;
            /** Key */
            key: string;
            /** Spark */
            spark: [
                number,
                number
            ][];
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "warning" | "critical" | "unknown";
            /** Thresholds */
            thresholds: components["schemas"]["Threshold"][];
            /** Title */
            title: string;
            /**
             * Trend
             * @enum {string}
             */
            trend: "up" | "down" | "flat" | "none";
            /**
             * Unit
             * @enum {string}
             */
            unit: "seconds" | "ratio" | "count" | "per_second" | "bytes";
            /** Value */
            value: number | null;
        };
        /**
         * PartScore
         * @description One of the four parts.
         */
        PartScore: {
            /** Change */
            change: number | null;
            /**
             * Key
             * @enum {string}
             */
            key: "architecture" | "security" | "performance" | "testing";
            /** Missing */
            missing: ("bandit" | "coverage" | "junit" | "mypy" | "osv-scanner" | "pip-audit" | "radon-cc" | "radon-mi" | "ruff" | "sarif")[];
            /** Score */
            score: number | null;
        };
        /**
         * PasswordBody
         * @description One's own password, the old and the new.
         */
        PasswordBody: {
            /** Current */
            current: string;
            /** New */
            new: string;
        };
        /**
         * Ping
         * @description One report.
         */
        Ping: {
            /** At */
            at: number;
            /**
             * Kind
             * @enum {string}
             */
            kind: "success" | "start" | "fail" | "log";
            /** Log */
            log: string;
            /** Seconds */
            seconds: number | null;
        };
        /**
         * Policies
         * @description All escalation policies, in the file's order.
         */
        Policies: {
            /** Policies */
            policies: components["schemas"]["ShownPolicy"][];
        };
        /**
         * PostgresPart
         * @description The lasting record's size.
         */
        PostgresPart: {
            /** Bytes */
            bytes: number;
            /** Missing */
            missing: string;
            /** Tables */
            tables: components["schemas"]["Table"][];
            /** Version */
            version: string;
        };
        /**
         * Preference
         * @description One contact's choice; what is null stays as the file has it.
         */
        Preference: {
            /**
             * Channels
             * @default null
             */
            channels?: components["schemas"]["ChosenChannel"][] | null;
            /**
             * Deliver
             * @default null
             */
            deliver?: ("first" | "all") | null;
            /**
             * Quiet Hours
             * @default null
             */
            quiet_hours?: components["schemas"]["ChosenQuietHours"][] | null;
            /** @default null */
            rate_limit?: components["schemas"]["ChosenRateLimit"] | null;
        };
        /**
         * PreferenceBody
         * @description What somebody chooses; all of it null goes back to what the file says.
         */
        PreferenceBody: {
            /**
             * Channels
             * @default null
             */
            channels?: components["schemas"]["ChosenChannel"][] | null;
            /**
             * Deliver
             * @default null
             */
            deliver?: ("first" | "all") | null;
            /**
             * Quiet Hours
             * @default null
             */
            quiet_hours?: components["schemas"]["ChosenQuietHours"][] | null;
            /** @default null */
            rate_limit?: components["schemas"]["ChosenRateLimit"] | null;
        };
        /**
         * Preferences
         * @description How somebody is told: what the file says, what they have chosen, and what is in force.
         */
        Preferences: {
            chosen: components["schemas"]["Preference"];
            /** Contact */
            contact: string;
            file: components["schemas"]["HowTold"] | null;
            /** Known */
            known: boolean;
            now: components["schemas"]["HowTold"] | null;
            /** Pending */
            pending: string;
            /** Title */
            title: string;
            /** Updated At */
            updated_at: number | null;
            /** Updated By */
            updated_by: string | null;
            /** Warnings */
            warnings: string[];
        };
        /**
         * Preview
         * @description What a silence would hide.
         */
        Preview: {
            /** Alerts */
            alerts: components["schemas"]["HiddenAlert"][];
            /** Count */
            count: number;
            /** Last Day */
            last_day: number | null;
            /** Warnings */
            warnings: components["schemas"]["SilenceWarning"][];
        };
        /**
         * Problem
         * @description The body of every error.
         */
        Problem: {
            /** Detail */
            detail: string;
            /** Mend */
            mend: string;
            /** Status */
            status: number;
            /** Title */
            title: string;
            /** Type */
            type: string;
        };
        /**
         * PromqlFunction
         * @description One function of PromQL.
         */
        PromqlFunction: {
            /** Doc */
            doc: string;
            /** Name */
            name: string;
            /** Signature */
            signature: string;
        };
        /**
         * Quality
         * @description The latest audit of a branch, and how it came to be.
         */
        Quality: {
            /** At */
            at: number;
            audit: components["schemas"]["Audit"] | null;
            /** Branch */
            branch: string;
            /** Branches */
            branches: string[];
            /** Can Run */
            can_run: boolean;
            /** Findings */
            findings: components["schemas"]["FoundThing"][];
            /** Found */
            found: {
                [key: string]: number;
            };
            /** Items */
            items: components["schemas"]["ItemScore"][];
            /** Overall Change */
            overall_change: number | null;
            /** Parts */
            parts: components["schemas"]["PartScore"][];
            /** Trend */
            trend: components["schemas"]["Audit"][];
            /** Vulnerabilities */
            vulnerabilities: components["schemas"]["KnownVulnerability"][];
            /** Vulnerabilities At */
            vulnerabilities_at: number | null;
        };
        /**
         * QueuePart
         * @description What waits in the notifier.
         */
        QueuePart: {
            /** Held */
            held: number;
            /** Missing */
            missing: string;
            /** Oldest Seconds */
            oldest_seconds: number;
            /** Outbox */
            outbox: number;
            /** Records Dropped */
            records_dropped: number;
            /** Records Queued */
            records_queued: number;
        };
        /**
         * Realtime
         * @description All panels, those of the grid first.
         */
        Realtime: {
            /** At */
            at: number;
            /** Panels */
            panels: components["schemas"]["Panel"][];
        };
        /**
         * RecordedAlert
         * @description An alert with what became of it.
         */
        RecordedAlert: {
            acknowledged: components["schemas"]["Acknowledgement"] | null;
            /** Action */
            action: string;
            /** Action Link */
            action_link: string;
            /** Active At */
            active_at: number;
            /** Annotations */
            annotations: {
                [key: string]: string;
            };
            /** Attempts */
            attempts: number;
            /** Auto Resolved */
            auto_resolved: boolean;
            /** Category */
            category: string;
            /** Comments */
            comments: number;
            /** Component */
            component: string;
            /** Description */
            description: string;
            /** Ends At */
            ends_at: number | null;
            /** Fingerprint */
            fingerprint: string;
            /** Flapping */
            flapping: boolean;
            /** Id */
            id: string;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Muted */
            muted: string;
            /** Muted Until */
            muted_until: number | null;
            /** Name */
            name: string;
            /** Notifications */
            notifications: number;
            rule: components["schemas"]["AlertRule"];
            /** Severity */
            severity: string;
            /** Starts At */
            starts_at: number;
            /**
             * Status
             * @enum {string}
             */
            status: "firing" | "resolved";
            /** Summary */
            summary: string;
            /** Value */
            value: number | null;
            /** Verdict */
            verdict: ("true_alarm" | "false_alarm" | "noise") | null;
        };
        /**
         * RecordedMetric
         * @description A metric that can be asked for, and when it last had a value (to within an hour; null: never yet).
         */
        RecordedMetric: {
            /** Component */
            component: string;
            /** Key */
            key: string;
            /** Last At */
            last_at: number | null;
            /** Metric */
            metric: string;
            /** Series */
            series: number;
            /** Title */
            title: string;
            /**
             * Unit
             * @enum {string}
             */
            unit: "seconds" | "ratio" | "count" | "per_second" | "bytes";
        };
        /**
         * RedisPart
         * @description The memory of streams, state and timers.
         */
        RedisPart: {
            /** Bytes */
            bytes: number;
            /** Keys */
            keys: number;
            /** Max Bytes */
            max_bytes: number;
            /** Missing */
            missing: string;
            /** Peak Bytes */
            peak_bytes: number;
            /** Version */
            version: string;
        };
        /**
         * Refused
         * @description One alert that could not be taken on.
         */
        Refused: {
            /** Detail */
            detail: string;
            /** Id */
            id: string;
            /** Reason */
            reason: string;
        };
        /**
         * ReportTaken
         * @description What was read from a report.
         */
        ReportTaken: {
            /** Findings */
            findings: {
                [key: string]: number;
            };
            /**
             * Kind
             * @enum {string}
             */
            kind: "bandit" | "coverage" | "junit" | "mypy" | "osv-scanner" | "pip-audit" | "radon-cc" | "radon-mi" | "ruff" | "sarif";
            /** Tool */
            tool: string;
            /** Vulnerabilities */
            vulnerabilities: number;
        };
        /**
         * Rule
         * @description One rule as Prometheus' `/api/v1/rules` gives it, with Tocsin's own key.
         */
        Rule: {
            /** Annotations */
            annotations?: {
                [key: string]: string;
            };
            /**
             * Health
             * @default
             */
            health?: string;
            /**
             * Id
             * @default
             */
            id?: string;
            /** Labels */
            labels?: {
                [key: string]: string;
            };
            /**
             * Lastevaluation
             * @default
             */
            lastEvaluation?: string;
            /** Name */
            name: string;
            /**
             * Query
             * @default
             */
            query?: string;
            /** @default null */
            tocsin?: components["schemas"]["TocsinRule"] | null;
            /**
             * Type
             * @default
             */
            type?: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * RuleBody
         * @description An alert rule: either a threshold form or an expression.
         */
        RuleBody: {
            /**
             * Action
             * @default
             */
            action?: string;
            /**
             * Action Link
             * @default
             */
            action_link?: string;
            /**
             * Category
             * @default performance
             * @enum {string}
             */
            category?: "performance" | "security" | "code_quality" | "system";
            /**
             * Channels
             * @default []
             */
            channels?: string[];
            /**
             * Component
             * @default
             */
            component?: string;
            /**
             * Cooldown Seconds
             * @default null
             */
            cooldown_seconds?: number | null;
            /**
             * Description
             * @default
             */
            description?: string;
            /**
             * Enabled
             * @default true
             */
            enabled?: boolean;
            /**
             * Expr
             * @default null
             */
            expr?: string | null;
            /**
             * For Seconds
             * @default 0
             */
            for_seconds?: number;
            /** @default null */
            form?: components["schemas"]["ThresholdForm"] | null;
            /**
             * Interval Seconds
             * @default null
             */
            interval_seconds?: number | null;
            /**
             * Keep Firing Seconds
             * @default 0
             */
            keep_firing_seconds?: number;
            /** Labels */
            labels?: {
                [key: string]: string;
            };
            /**
             * Max Alerts Per Hour
             * @default null
             */
            max_alerts_per_hour?: number | null;
            /** Name */
            name: string;
            /**
             * Severity
             * @default warning
             * @enum {string}
             */
            severity?: "critical" | "warning" | "info";
            /**
             * Summary
             * @default
             */
            summary?: string;
        };
        /**
         * RuleFigures
         * @description One rule's alerts.
         */
        RuleFigures: {
            /** Alerts */
            alerts: number;
            /** False Alarms */
            false_alarms: number;
            /** Name */
            name: string;
            /** Seconds */
            seconds: number;
            /** Unacknowledged */
            unacknowledged: number;
        };
        /**
         * RuleGroup
         * @description One group of rules.
         */
        RuleGroup: {
            /**
             * File
             * @default
             */
            file?: string;
            /**
             * Interval
             * @default 0
             */
            interval?: number;
            /** Name */
            name: string;
            /** Rules */
            rules?: components["schemas"]["Rule"][];
        } & {
            [key: string]: unknown;
        };
        /**
         * RuleGroups
         * @description The data of `/api/v1/rules`.
         */
        RuleGroups: {
            /** Groups */
            groups: components["schemas"]["RuleGroup"][];
        } & {
            [key: string]: unknown;
        };
        /**
         * RulePreview
         * @description What the evaluator says of a rule, and its dry run where it can run.
         */
        RulePreview: {
            dry_run: components["schemas"]["DryRun"] | null;
            /** Expr */
            expr: string;
            /** Problems */
            problems: components["schemas"]["RuleProblem"][];
            /** Yaml */
            yaml: string;
        };
        /**
         * RuleProblem
         * @description One complaint of the evaluator.
         */
        RuleProblem: {
            /** Mend */
            mend: string;
            /** Problem */
            problem: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "error" | "warning";
        };
        /**
         * RulesPart
         * @description How rules are evaluated: the figures, which fail, and which are slowest.
         */
        RulesPart: {
            /** Failing */
            failing: components["schemas"]["RuleState"][];
            /** Groups */
            groups: number;
            /** Missed */
            missed: number;
            /** Missing */
            missing: string;
            /** Rules */
            rules: number;
            /** Slowest */
            slowest: components["schemas"]["RuleState"][];
            spread: components["schemas"]["Spread"] | null;
            wait: components["schemas"]["Spread"] | null;
        };
        /**
         * RuleState
         * @description One rule's last evaluation.
         */
        RuleState: {
            /** Error */
            error: string;
            /** File */
            file: string;
            /** Group */
            group: string;
            /** Name */
            name: string;
            /** Seconds */
            seconds: number;
        };
        /**
         * RuleThreshold
         * @description One comparison of a rule's expression with a number.
         */
        RuleThreshold: {
            /** Expr */
            expr: string;
            /** Op */
            op: string;
            /** Value */
            value: number;
        } & {
            [key: string]: unknown;
        };
        /**
         * RuleVersion
         * @description The rule as somebody left it.
         */
        RuleVersion: {
            /**
             * Action
             * @enum {string}
             */
            action: "created" | "changed" | "deleted";
            /** At */
            at: number;
            /** By */
            by: string;
            rule: components["schemas"]["RuleBody"];
            /** Version */
            version: number;
        };
        /**
         * RunState
         * @description The run that goes on, or the last one.
         */
        RunState: {
            /** Configured */
            configured: boolean;
            run: components["schemas"]["AuditRun"] | null;
        };
        /**
         * Schedule
         * @description Who has the duty when.
         */
        Schedule: {
            /** Feed */
            feed: string;
            /** Gaps Wanted */
            gaps_wanted: boolean;
            /** Name */
            name: string;
            /** On Call */
            on_call: string[];
            /** Overrides */
            overrides: components["schemas"]["Override"][];
            /** Place */
            place: string;
            /** Rotations */
            rotations: components["schemas"]["ShownRotation"][];
            /** Shifts */
            shifts: components["schemas"]["Shift"][];
            /** Time Zone */
            time_zone: string;
            /** Warnings */
            warnings: string[];
            /** Weeks */
            weeks: number[];
        };
        /**
         * Schedules
         * @description All schedules, in the file's order.
         */
        Schedules: {
            /** Schedules */
            schedules: components["schemas"]["Schedule"][];
        };
        /**
         * ScrapesPart
         * @description What is scraped: the figures, who does not answer, and who is slowest.
         */
        ScrapesPart: {
            /** Down */
            down: number;
            /** Failing */
            failing: components["schemas"]["TargetState"][];
            /** Left Out */
            left_out: number;
            /** Missing */
            missing: string;
            /** Slowest */
            slowest: components["schemas"]["TargetState"][];
            spread: components["schemas"]["Spread"] | null;
            /** Unknown */
            unknown: number;
            /** Up */
            up: number;
        };
        /**
         * SeriesStats
         * @description Figures over the whole time; percentiles are those of the means of `stats_step` seconds.
         */
        SeriesStats: {
            /** Avg */
            avg: number;
            /** Count */
            count: number;
            /** Last */
            last: number;
            /** Max */
            max: number;
            /** Min */
            min: number;
            /** P50 */
            p50: number;
            /** P95 */
            p95: number;
            /** P99 */
            p99: number;
        };
        /**
         * ServiceHealth
         * @description One of Tocsin's own services that shows a heartbeat.
         */
        ServiceHealth: {
            /** At */
            at: number;
            /** Detail */
            detail: string;
            /** Instance */
            instance: string;
            /** Ready */
            ready: boolean;
            /** Service */
            service: string;
            /** Version */
            version: string;
        };
        /**
         * TestBody
         * @description To whom a test message goes; neither: to you.
         */
        services__api__oncall__model__TestBody: {
            /**
             * Contact
             * @default null
             */
            contact?: string | null;
            /**
             * Receiver
             * @default null
             */
            receiver?: string | null;
        };
        /**
         * PreviewBody
         * @description A rule that is not kept yet.
         */
        services__api__rules__model__PreviewBody: {
            /**
             * Hours
             * @default 24
             */
            hours?: number;
            rule: components["schemas"]["RuleBody"];
        };
        /**
         * TestBody
         * @description How far back a dry run looks.
         */
        services__api__rules__model__TestBody: {
            /**
             * Hours
             * @default 24
             */
            hours?: number;
        };
        /**
         * PreviewBody
         * @description The silence that somebody thinks of.
         */
        services__api__silences__model__PreviewBody: {
            /**
             * Duration Seconds
             * @default 3600
             */
            duration_seconds?: number;
            /** Matchers */
            matchers: components["schemas"]["Matcher"][];
        };
        /**
         * ServicesPart
         * @description Who lives, on which configuration, and what fails inside.
         */
        ServicesPart: {
            /** Away */
            away: string[];
            /** Configs */
            configs: components["schemas"]["ConfigState"][];
            /** Missing */
            missing: string;
            /** Missing Services */
            missing_services: string[];
            /** Services */
            services: components["schemas"]["ServiceHealth"][];
            /** Troubles */
            troubles: components["schemas"]["Trouble"][];
        };
        /**
         * Session
         * @description A login; `csrf_token` goes into the header X-CSRF-Token of every request that changes something.
         */
        Session: {
            /** Csrf Token */
            csrf_token: string;
            user: components["schemas"]["SessionUser"];
        };
        /**
         * SessionUser
         * @description Who is logged in.
         */
        SessionUser: {
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
            /** Username */
            username: string;
        };
        /**
         * SeverityFigures
         * @description Alerts of one severity.
         */
        SeverityFigures: {
            /** Alerts */
            alerts: number;
            /** Severity */
            severity: string;
        };
        /**
         * Shift
         * @description A stretch of time in which the same people are on call; nobody: a gap.
         */
        Shift: {
            /** Begin */
            begin: number;
            /** End */
            end: number;
            /** People */
            people: string[];
        };
        /**
         * ShownChannel
         * @description One of a contact's channels.
         */
        ShownChannel: {
            /** Channel */
            channel: string;
            /** Integration */
            integration: string;
            /** Recipients */
            recipients: string[];
            /** Severities */
            severities: string[];
        };
        /**
         * ShownPolicy
         * @description Who is told when nobody answers.
         */
        ShownPolicy: {
            /** Name */
            name: string;
            /** Place */
            place: string;
            /** Repeat */
            repeat: number;
            /** Steps */
            steps: components["schemas"]["ShownStep"][];
            /** Warnings */
            warnings: string[];
        };
        /**
         * ShownRotation
         * @description Members who hand the duty over to each other.
         */
        ShownRotation: {
            /** Every */
            every: number;
            /** Members */
            members: string[];
            /** Name */
            name: string;
            /** Starts */
            starts: string;
        };
        /**
         * ShownStep
         * @description One step of a policy.
         */
        ShownStep: {
            /** Channels */
            channels: string[];
            /** Notify */
            notify: components["schemas"]["ShownTarget"][];
            /** Reaches */
            reaches: components["schemas"]["ShownTarget"][];
            /** Wait */
            wait: number;
        };
        /**
         * ShownTarget
         * @description Whom a step names.
         */
        ShownTarget: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "contact" | "schedule" | "receiver";
            /** Name */
            name: string;
        };
        /**
         * Silence
         * @description One silence as the notifier has it.
         */
        Silence: {
            /** Comment */
            comment: string;
            /** Confirmed */
            confirmed: boolean;
            /** Created By */
            created_by: string;
            /** Ends At */
            ends_at: number;
            /** Hides */
            hides: string[];
            /** Id */
            id: string;
            /** Matchers */
            matchers: components["schemas"]["Matcher"][];
            /** Starts At */
            starts_at: number;
            /**
             * State
             * @enum {string}
             */
            state: "pending" | "active" | "expired";
            /** Updated At */
            updated_at: number;
        };
        /**
         * SilenceBody
         * @description What is to be silenced, from when and for how long.
         */
        SilenceBody: {
            /**
             * Comment
             * @default
             */
            comment?: string;
            /**
             * Confirm Broad
             * @default false
             */
            confirm_broad?: boolean;
            /**
             * Duration Seconds
             * @default 3600
             */
            duration_seconds?: number;
            /** Matchers */
            matchers: components["schemas"]["Matcher"][];
            /**
             * Starts At
             * @default null
             */
            starts_at?: number | null;
        };
        /**
         * Silences
         * @description All silences that the notifier keeps: those in force first.
         */
        Silences: {
            /** Silences */
            silences: components["schemas"]["Silence"][];
        };
        /**
         * SilenceWarning
         * @description Why somebody should think twice; `broad` ones must be confirmed.
         */
        SilenceWarning: {
            /** Broad */
            broad: boolean;
            /**
             * Kind
             * @enum {string}
             */
            kind: "nothing" | "many" | "no_exact_label" | "critical" | "long";
            /** Text */
            text: string;
        };
        /**
         * Spread
         * @description How a duration is spread since its service started; null: nothing was measured.
         */
        Spread: {
            /** Count */
            count: number;
            /** P50 */
            p50: number | null;
            /** P95 */
            p95: number | null;
        };
        /**
         * Statistics
         * @description Figures of the alerts that began in a span of time.
         */
        Statistics: {
            /** Acknowledged */
            acknowledged: number;
            /** Alerts */
            alerts: number;
            /** End */
            end: number;
            /** False Alarms */
            false_alarms: number;
            /** False Alarms Per Person And Week */
            false_alarms_per_person_and_week: number | null;
            /** Mtta */
            mtta: number | null;
            /** Mtta Median */
            mtta_median: number | null;
            /** Mttr */
            mttr: number | null;
            /** Mttr Median */
            mttr_median: number | null;
            /** Noise */
            noise: number;
            /** Noisiest */
            noisiest: components["schemas"]["RuleFigures"][];
            /** Precision */
            precision: number | null;
            /** Resolved */
            resolved: number;
            /** Severities */
            severities: components["schemas"]["SeverityFigures"][];
            /** Start */
            start: number;
            /** True Alarms */
            true_alarms: number;
            /** Uptimes */
            uptimes: components["schemas"]["Uptime"][];
        };
        /**
         * Status
         * @description Each part tells by `missing` why it has nothing; none waits for another.
         */
        Status: {
            /** At */
            at: number;
            delivery: components["schemas"]["DeliveryPart"];
            history: components["schemas"]["HistoryPart"];
            postgres: components["schemas"]["PostgresPart"];
            queue: components["schemas"]["QueuePart"];
            redis: components["schemas"]["RedisPart"];
            rules: components["schemas"]["RulesPart"];
            scrapes: components["schemas"]["ScrapesPart"];
            services: components["schemas"]["ServicesPart"];
            streams: components["schemas"]["StreamsPart"];
        };
        /**
         * Stream
         * @description One Redis stream.
         */
        Stream: {
            /** Entries */
            entries: number;
            /** Groups */
            groups: components["schemas"]["StreamGroup"][];
            /** Name */
            name: string;
            /** Newest */
            newest: number | null;
        };
        /**
         * StreamGroup
         * @description One consumer group.
         */
        StreamGroup: {
            /** Consumers */
            consumers: number;
            /** Lag */
            lag: number;
            /** Name */
            name: string;
            /** Pending */
            pending: number;
        };
        /**
         * StreamsPart
         * @description What goes from service to service.
         */
        StreamsPart: {
            /** Dead */
            dead: components["schemas"]["DeadLetters"][];
            /** Missing */
            missing: string;
            /** Streams */
            streams: components["schemas"]["Stream"][];
        };
        /**
         * Table
         * @description One table with its indexes; a partitioned one whole.
         */
        Table: {
            /** Bytes */
            bytes: number;
            /** Name */
            name: string;
            /** Partitions */
            partitions: number;
            /** Rows */
            rows: number | null;
        };
        /**
         * TargetState
         * @description One scraped target.
         */
        TargetState: {
            /** At */
            at: number | null;
            /** Error */
            error: string;
            /** Health */
            health: string;
            /** Instance */
            instance: string;
            /** Job */
            job: string;
            /** Seconds */
            seconds: number;
            /** Url */
            url: string;
        };
        /**
         * Task
         * @description One task and how it stands now.
         */
        Task: {
            /** Beat Task */
            beat_task: string | null;
            /**
             * Cadence
             * @enum {string}
             */
            cadence: "daily" | "weekly" | "monthly" | "cron";
            /** Check Id */
            check_id: number | null;
            /** Check Name */
            check_name: string | null;
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Description */
            description: string;
            /** Due At */
            due_at: number;
            /** Grace Seconds */
            grace_seconds: number;
            /** Id */
            id: number;
            /** Last Done At */
            last_done_at: number | null;
            /** Last Done By */
            last_done_by: string;
            /** Last Note */
            last_note: string;
            /** Name */
            name: string;
            /** Opens At */
            opens_at: number;
            /**
             * Reason
             * @enum {string}
             */
            reason: "" | "check_gone" | "evaluator_away";
            /** Schedule */
            schedule: string | null;
            /**
             * Source
             * @enum {string}
             */
            source: "manual" | "check" | "beat";
            /**
             * State
             * @enum {string}
             */
            state: "waiting" | "due" | "overdue" | "unknown";
            /** Timezone */
            timezone: string;
        };
        /**
         * TaskBody
         * @description A task: done by people unless `check_id` or `beat_task` names the job that does it.
         */
        TaskBody: {
            /**
             * Beat Task
             * @default null
             */
            beat_task?: string | null;
            /**
             * Cadence
             * @enum {string}
             */
            cadence: "daily" | "weekly" | "monthly" | "cron";
            /**
             * Check Id
             * @default null
             */
            check_id?: number | null;
            /**
             * Description
             * @default
             */
            description?: string;
            /**
             * Grace Seconds
             * @default 86400
             */
            grace_seconds?: number;
            /** Name */
            name: string;
            /**
             * Schedule
             * @default null
             */
            schedule?: string | null;
            /**
             * Timezone
             * @default UTC
             */
            timezone?: string;
        };
        /**
         * TaskCounts
         * @description How many tasks of the checklist are in each state.
         */
        TaskCounts: {
            /**
             * Due
             * @default 0
             */
            due: number;
            /**
             * Overdue
             * @default 0
             */
            overdue: number;
            /**
             * Unknown
             * @default 0
             */
            unknown: number;
            /**
             * Waiting
             * @default 0
             */
            waiting: number;
        };
        /**
         * TaskDetail
         * @description A task with the times that it was done, newest first.
         */
        TaskDetail: {
            /** Beat Task */
            beat_task: string | null;
            /**
             * Cadence
             * @enum {string}
             */
            cadence: "daily" | "weekly" | "monthly" | "cron";
            /** Check Id */
            check_id: number | null;
            /** Check Name */
            check_name: string | null;
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Description */
            description: string;
            /** Due At */
            due_at: number;
            /** Grace Seconds */
            grace_seconds: number;
            /** Id */
            id: number;
            /** Last Done At */
            last_done_at: number | null;
            /** Last Done By */
            last_done_by: string;
            /** Last Note */
            last_note: string;
            /** Name */
            name: string;
            /** Opens At */
            opens_at: number;
            /**
             * Reason
             * @enum {string}
             */
            reason: "" | "check_gone" | "evaluator_away";
            /** Schedule */
            schedule: string | null;
            /**
             * Source
             * @enum {string}
             */
            source: "manual" | "check" | "beat";
            /**
             * State
             * @enum {string}
             */
            state: "waiting" | "due" | "overdue" | "unknown";
            /** Ticks */
            ticks: components["schemas"]["Tick"][];
            /** Timezone */
            timezone: string;
        };
        /**
         * Tasks
         * @description All tasks by name, and whether the usual ones can still be added.
         */
        Tasks: {
            /** Tasks */
            tasks: components["schemas"]["Task"][];
            /** Usual */
            usual: string[];
        };
        /**
         * TestAnswer
         * @description What became of each way; none: there is no way to tell them.
         */
        TestAnswer: {
            /** Results */
            results: components["schemas"]["TrialResult"][];
        };
        /**
         * Threshold
         * @description A limit that a rule sets: the panel's value breaches it when `value op limit` holds.
         */
        Threshold: {
            /**
             * Op
             * @enum {string}
             */
            op: "<" | "<=" | ">" | ">=" | "==" | "!=";
            /** Rule */
            rule: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "critical" | "warning" | "info";
            /** Value */
            value: number;
        };
        /**
         * ThresholdForm
         * @description A metric compared with a number; compiled to PromQL.
         */
        ThresholdForm: {
            /** Labels */
            labels: components["schemas"]["LabelCondition"][];
            /** Metric */
            metric: string;
            /**
             * Op
             * @enum {string}
             */
            op: ">" | ">=" | "<" | "<=" | "==" | "!=";
            /** Threshold */
            threshold: number;
        };
        /**
         * Tick
         * @description One time that it was done.
         */
        Tick: {
            /** At */
            at: number;
            /** By */
            by: string;
            /** Id */
            id: number;
            /** Note */
            note: string;
        };
        /**
         * TickBody
         * @description What was found or done.
         */
        TickBody: {
            /**
             * Note
             * @default
             */
            note?: string;
        };
        /**
         * TimelineEntry
         * @description One thing that happened in an alert's life.
         */
        TimelineEntry: {
            /** At */
            at: number;
            /**
             * By
             * @default
             */
            by: string;
            /**
             * Channel
             * @default
             */
            channel: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "active" | "firing" | "acknowledged" | "unacknowledged" | "notification" | "resolved" | "comment" | "verdict";
            /**
             * Reason
             * @default
             */
            reason: string;
            /**
             * Recipient
             * @default
             */
            recipient: string;
            /**
             * Result
             * @default
             */
            result: string;
            /**
             * Text
             * @default
             */
            text: string;
        };
        /**
         * TocsinRule
         * @description What Tocsin's evaluator adds to Prometheus' rule.
         */
        TocsinRule: {
            /**
             * File
             * @default
             */
            file?: string;
            /**
             * Line
             * @default 0
             */
            line?: number;
            /** Thresholds */
            thresholds?: components["schemas"]["RuleThreshold"][];
        } & {
            [key: string]: unknown;
        };
        /**
         * Token
         * @description One token in force, without its secret.
         */
        Token: {
            /** Created At */
            created_at: number;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: number | null;
            /** Id */
            id: number;
            /** Last Used At */
            last_used_at: number | null;
            /** Name */
            name: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
        };
        /**
         * TokenBody
         * @description What the new token may do, and for how long.
         */
        TokenBody: {
            /**
             * Expires In Days
             * @default null
             */
            expires_in_days?: number | null;
            /** Name */
            name: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
        };
        /**
         * Tokens
         * @description All tokens in force, by name.
         */
        Tokens: {
            /** Tokens */
            tokens: components["schemas"]["Token"][];
        };
        /**
         * TrendMetric
         * @description One metric's part of the answer.
         */
        TrendMetric: {
            /** Component */
            component: string;
            /** Key */
            key: string;
            /** Metric */
            metric: string;
            /** Series */
            series: components["schemas"]["TrendSeries"][];
            /** Thresholds */
            thresholds: components["schemas"]["Threshold"][];
            /** Title */
            title: string;
            /** Truncated */
            truncated: boolean;
            /**
             * Unit
             * @enum {string}
             */
            unit: "seconds" | "ratio" | "count" | "per_second" | "bytes";
        };
        /**
         * Trends
         * @description Several metrics over the same time.
         */
        Trends: {
            /** Compared Seconds */
            compared_seconds: number;
            /** End */
            end: number;
            /** Level */
            level: string;
            /** Markers */
            markers: components["schemas"]["Marker"][];
            /** Metrics */
            metrics: components["schemas"]["TrendMetric"][];
            /** Start */
            start: number;
            /** Stats Step */
            stats_step: number;
            /** Step */
            step: number;
        };
        /**
         * TrendSeries
         * @description One label set's past, its figures, and what it was a week before at the same place.
         */
        TrendSeries: {
            /** Change */
            change: number | null;
            /** Compared */
            compared: [
                number,
                number,
                number,
                number
            ][];
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Points */
            points: [
                number,
                number,
                number,
                number
            ][];
            stats: components["schemas"]["SeriesStats"] | null;
        };
        /**
         * TrialResult
         * @description One way by which a test message was sent, and what became of it.
         */
        TrialResult: {
            /** Answer */
            answer: string;
            /** Channel */
            channel: string;
            /** Ok */
            ok: boolean;
            /** Receiver */
            receiver: string;
            /** Recipient */
            recipient: string;
            /** Seconds */
            seconds: number;
        };
        /**
         * Trouble
         * @description Something that was counted since its service started, such as failed rounds of a task.
         */
        Trouble: {
            /** Count */
            count: number;
            /** Name */
            name: string;
            /** Reason */
            reason: string;
            /** Service */
            service: string;
        };
        /**
         * UnacknowledgeBody
         * @description What the person says on giving the alert back.
         */
        UnacknowledgeBody: {
            /**
             * Comment
             * @default
             */
            comment?: string;
        };
        /**
         * Uptime
         * @description How much of the time no outage of a component fired.
         */
        Uptime: {
            /** Component */
            component: string;
            /** Down Seconds */
            down_seconds: number;
            /** Ratio */
            ratio: number;
        };
        /**
         * User
         * @description One login.
         */
        User: {
            /** Created At */
            created_at: number;
            /** Disabled */
            disabled: boolean;
            /** Id */
            id: number;
            /** Last Seen At */
            last_seen_at: number | null;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
            /** Sessions */
            sessions: number;
            /**
             * Single Sign On
             * @default false
             */
            single_sign_on: boolean;
            /** Username */
            username: string;
        };
        /**
         * UserBody
         * @description A new login.
         */
        UserBody: {
            /** Password */
            password: string;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
            /** Username */
            username: string;
        };
        /**
         * UserChange
         * @description What is to change; what is left out stays.
         */
        UserChange: {
            /**
             * Disabled
             * @default null
             */
            disabled?: boolean | null;
            /**
             * Password
             * @default null
             */
            password?: string | null;
            /**
             * Role
             * @default null
             */
            role?: ("viewer" | "operator" | "admin") | null;
        };
        /**
         * UserContact
         * @description Which contact a login is now.
         */
        UserContact: {
            /** Contact */
            contact: string;
            /** Username */
            username: string;
        };
        /**
         * UserContactBody
         * @description Which contact a login is; null: the one of the same name.
         */
        UserContactBody: {
            /** Contact */
            contact: string | null;
        };
        /**
         * Users
         * @description All logins, by name.
         */
        Users: {
            /** Users */
            users: components["schemas"]["User"][];
        };
        /**
         * Verdict
         * @description Whether an alert was useful, by whom, when.
         */
        Verdict: {
            /** At */
            at: number;
            /** By */
            by: string;
            /**
             * Verdict
             * @enum {string}
             */
            verdict: "true_alarm" | "false_alarm" | "noise";
        };
        /**
         * VerdictBody
         * @description Whether the alert was useful.
         */
        VerdictBody: {
            /**
             * Verdict
             * @enum {string}
             */
            verdict: "true_alarm" | "false_alarm" | "noise";
        };
        /**
         * Vocabulary
         * @description What an expression can be made of.
         */
        Vocabulary: {
            /** Aggregations */
            aggregations: string[];
            /** Functions */
            functions: components["schemas"]["PromqlFunction"][];
            /** Metrics */
            metrics: string[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
