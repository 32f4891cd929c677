/** Something fetched once and again when asked; the last good answer stays while a new one comes. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "./api";

export interface Resource<T> {
  data: T | null;
  error: ApiError | null;
  reload(): void;
}

/** `load` runs at first and whenever `keys` change; an answer that was overtaken is dropped. */
export function useResource<T>(load: () => Promise<T>, keys: readonly unknown[]): Resource<T> {
  const [state, setState] = useState<{ data: T | null; error: ApiError | null }>({ data: null, error: null });
  const latest = useRef(0);
  const reload = useCallback(() => {
    const ticket = ++latest.current;
    load().then(
      (data) => {
        if (ticket === latest.current) setState({ data, error: null });
      },
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        if (ticket === latest.current) setState(({ data }) => ({ data, error }));
      },
    );
  }, keys);
  useEffect(() => {
    reload();
    return () => {
      latest.current += 1;
    };
  }, [reload]);
  return { ...state, reload };
}
