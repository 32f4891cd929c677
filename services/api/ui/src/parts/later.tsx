import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Loading } from "./states";

/** A page that is fetched when somebody first goes there. */
export function Later({ load }: { load: () => Promise<() => JSX.Element> }): JSX.Element {
  const [Page, setPage] = useState<(() => JSX.Element) | null>(null);
  useEffect(() => {
    let gone = false;
    void load().then((page) => {
      if (!gone) setPage(() => page);
    });
    return () => {
      gone = true;
    };
  }, []);
  return Page === null ? <Loading /> : <Page />;
}
