/** Code quality: scores, what pulls them down, vulnerabilities and findings of a branch's latest audit. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import "../styles/quality.css";
import { useRefreshed } from "../model/refresh";
import { arriveLate } from "../model/router";
import { useStore } from "../model/store";
import { Findings, Vulnerabilities } from "../parts/quality-findings";
import { RunAudit } from "../parts/quality-run";
import { Pulls, Scores } from "../parts/quality-scores";
import { Empty, Failure, Loading } from "../parts/states";
import { Age } from "../parts/time";
import { strings } from "../strings";
import type { Quality } from "../types";

const words = strings.quality;
const REFRESH = 30_000;

/** How CI posts its reports, to be copied. */
function FirstSteps(): JSX.Element {
  return (
    <>
      <Empty icon="check" title={words.none} help={words.noneHelp} />
      <pre class="log" tabIndex={0} aria-label={words.commands}>
        {words.curl(location.origin)}
      </pre>
    </>
  );
}

function Branches({ data, choose }: { data: Quality; choose: (branch: string) => void }): JSX.Element | null {
  const shown = data.branches.includes(data.branch) ? data.branches : [data.branch, ...data.branches];
  if (shown.length < 2) return null;
  return (
    <label class="branch">
      {words.branch}
      <select value={data.branch} onChange={(event) => choose(event.currentTarget.value)}>
        {shown.map((branch) => (
          <option key={branch} value={branch}>
            {branch}
          </option>
        ))}
      </select>
    </label>
  );
}

export function QualityPage(): JSX.Element {
  const store = useStore();
  const session = store.session.value;
  const admin = session.phase === "in" && session.user.role === "admin";
  const [branch, setBranch] = useState("");
  const { data, error, reload } = useRefreshed(() => store.api.quality(branch), [branch], REFRESH);
  const there = data !== null;
  useEffect(() => {
    if (there) arriveLate();
  }, [there]);
  return (
    <>
      <header class="page-head page-row">
        <h1>{words.title}</h1>
        {data !== null && <Branches data={data} choose={setBranch} />}
      </header>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data?.audit && (
        <p class="quiet audited">
          {words.audited(data.audit.commit, data.audit.branch, data.audit.lines)} <Age at={data.audit.at} />
        </p>
      )}
      {admin && data?.can_run && <RunAudit done={reload} />}
      {data !== null && data.audit === null && <FirstSteps />}
      {data?.audit && (
        <>
          <Scores quality={data} />
          <Pulls items={data.items} />
          <Vulnerabilities quality={data} />
          <Findings quality={data} />
        </>
      )}
    </>
  );
}
