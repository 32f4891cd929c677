/** The silences as the notifier has them, read again whenever alerts or silences change, and now and then. */

import { useEffect } from "preact/hooks";

import type { Silence } from "../types";
import type { ApiError } from "./api";
import { useResource } from "./resource";
import { useStore } from "./store";

const REFRESH = 15_000;

export interface SilenceList {
  silences: Silence[] | null;
  error: ApiError | null;
  reload: () => void;
}

export function useSilences(): SilenceList {
  const store = useStore();
  const count = store.state.value?.alerts.length ?? 0;
  const { data, error, reload } = useResource(() => store.api.silences(), [store.silencesVersion.value, count]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, REFRESH);
    return () => clearInterval(timer);
  }, [reload]);
  return { silences: data?.silences ?? null, error, reload };
}

/** Ids of alerts that a silence in force hides. */
export const hiddenIds = (silences: Silence[] | null): Set<string> =>
  new Set((silences ?? []).filter((one) => one.state === "active").flatMap((one) => one.hides));
