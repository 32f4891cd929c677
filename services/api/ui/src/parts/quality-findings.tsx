/** Vulnerabilities with the version that mends them, and the findings of all tools, worst first. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { strings } from "../strings";
import { toneOf, type Tone } from "../tones";
import type { Finding, Quality, Vulnerability } from "../types";
import { Badge } from "./icon";
import { Empty, Section } from "./states";
import { Age } from "./time";

const words = strings.quality;
const FIRST = 20;
const RISKS: Record<Vulnerability["severity"], Tone> = {
  critical: "critical",
  high: "critical",
  unknown: "warning",
  medium: "warning",
  low: "info",
};

export function Vulnerabilities({ quality }: { quality: Quality }): JSX.Element {
  const { vulnerabilities: found, vulnerabilities_at: at } = quality;
  return (
    <Section id="vulnerabilities" title={words.vulnerabilities} count={found.length}>
      {at === null && <Empty icon="unknown" title={words.notAsked} help={words.notAskedHelp} />}
      {at !== null && at !== quality.audit?.at && (
        <p class="notice">
          {words.asked} <Age at={at} />
        </p>
      )}
      {at !== null && found.length === 0 && (
        <Empty icon="check" title={words.noVulnerabilities} help={words.noVulnerabilitiesHelp} />
      )}
      <div class="cards">
        {found.map((one) => (
          <article key={`${one.package}${one.installed}${one.id}`} class="card check" aria-label={`${one.package} ${one.id}`}>
            <div class="card-head">
              <h3>
                {one.package} {one.installed}
              </h3>
              <Badge tone={RISKS[one.severity]} text={words.risks[one.severity]} />
            </div>
            <p>
              <strong>{one.fixed_version === "" ? words.noFix : words.fix(one.fixed_version)}</strong> · {one.id}
            </p>
            {one.summary !== "" && <p class="quiet message">{one.summary}</p>}
          </article>
        ))}
      </div>
    </Section>
  );
}

function Row({ finding }: { finding: Finding }): JSX.Element {
  const place = finding.line > 0 ? `${finding.file}:${finding.line}` : finding.file;
  return (
    <li class="finding">
      <Badge tone={toneOf(finding.severity)} text={finding.severity} />
      <span class="message">
        {finding.message} <span class="quiet">{[finding.tool || finding.kind, finding.rule].join(" ")}</span>
        {place !== "" && <code>{place}</code>}
      </span>
    </li>
  );
}

export function Findings({ quality }: { quality: Quality }): JSX.Element {
  const [all, setAll] = useState(false);
  const total = Object.values(quality.found).reduce((sum, count) => sum + count, 0);
  return (
    <Section id="findings" title={words.findings} count={total}>
      {total === 0 && <Empty icon="check" title={words.noFindings} help={words.noFindingsHelp} />}
      {total > quality.findings.length && <p class="quiet">{words.worst(quality.findings.length, total)}</p>}
      {total > 0 && (
        <ul class="card findings">
          {quality.findings.slice(0, all ? undefined : FIRST).map((finding, index) => (
            <Row key={index} finding={finding} />
          ))}
        </ul>
      )}
      {!all && quality.findings.length > FIRST && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          {words.more(quality.findings.length - FIRST)}
        </button>
      )}
    </Section>
  );
}
