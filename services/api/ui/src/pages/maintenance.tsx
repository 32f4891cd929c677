import type { JSX } from "preact";

import { Checklist } from "../parts/checklist";
import { Checks } from "../parts/checks";
import { Errors } from "../parts/errors";
import { strings } from "../strings";

export function MaintenancePage(): JSX.Element {
  return (
    <>
      <header class="page-head">
        <h1>{strings.maintenance.title}</h1>
      </header>
      <Checklist />
      <Checks />
      <Errors />
    </>
  );
}
