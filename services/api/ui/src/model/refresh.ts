/** Something fetched again and again while somebody looks. */

import { useEffect } from "preact/hooks";

import { useResource, type Resource } from "./resource";

/** As `useResource`, and again every `interval` milliseconds while the page is visible. */
export function useRefreshed<T>(load: () => Promise<T>, keys: readonly unknown[], interval: number): Resource<T> {
  const resource = useResource(load, keys);
  const { reload } = resource;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, interval);
    return () => clearInterval(timer);
  }, [reload, interval]);
  return resource;
}
