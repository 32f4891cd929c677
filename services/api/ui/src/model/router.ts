/** Addresses of the page's own pages. */

import { signal } from "@preact/signals";

export type Route =
  | { page: "overview" }
  | { page: "alert"; id: string }
  | { page: "alerts"; search: string }
  | { page: "silences" }
  | { page: "rules" }
  | { page: "settings" }
  | { page: "statistics" }
  | { page: "status" }
  | { page: "trends"; metric: string }
  | { page: "maintenance" }
  | { page: "quality" }
  | { page: "on-call" }
  | { page: "missing" };

/** The page that an address means. */
export function routeOf(path: string, search: string): Route {
  if (path === "/" || path === "/login") return { page: "overview" };
  if (path === "/trends") return { page: "trends", metric: new URLSearchParams(search).get("metric") ?? "" };
  if (path === "/alerts") return { page: "alerts", search };
  if (path === "/silences") return { page: "silences" };
  if (path === "/rules") return { page: "rules" };
  if (path === "/on-call") return { page: "on-call" };
  if (path === "/maintenance") return { page: "maintenance" };
  if (path === "/quality") return { page: "quality" };
  if (path === "/settings") return { page: "settings" };
  if (path === "/status") return { page: "status" };
  if (path === "/statistics") return { page: "statistics" };
  const alert = /^\/alerts\/([^/]+)$/.exec(path);
  if (alert?.[1] !== undefined) return { page: "alert", id: decodeURIComponent(alert[1]) };
  return { page: "missing" };
}

const here = (): Route => routeOf(location.pathname, location.search);
export const route = signal<Route>(here());

/** Put the reader at the part that the address names, else at the page's start. */
function arrive(): void {
  const part = location.hash === "" ? null : document.getElementById(location.hash.slice(1));
  if (part === null) window.scrollTo(0, 0);
  else part.scrollIntoView({ block: "center" });
  (part ?? document.getElementById("main"))?.focus({ preventScroll: true });
}

/** Go to an address of this page without loading it anew. */
export function navigate(href: string): void {
  history.pushState(null, "", href);
  route.value = here();
  requestAnimationFrame(arrive);
}

/** Change the query of this page's address in place: filters are part of it. */
export function replaceSearch(search: string): void {
  history.replaceState(null, "", location.pathname + (search === "" ? "" : `?${search}`));
  route.value = here();
}

/** Go to the part that the address named when the page was loaded, once that part is there. */
export function arriveLate(): void {
  if (location.hash !== "") arrive();
}

/** Follow the page's own links and the browser's back button; returns what undoes it. */
export function followLinks(): () => void {
  const onClick = (event: MouseEvent): void => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!plain || event.defaultPrevented || link === null || link.target !== "") return;
    if (link.origin !== location.origin || link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    if (link.getAttribute("href") === "#main") document.getElementById("main")?.focus();
    else navigate(link.pathname + link.search + link.hash);
  };
  const onBack = (): void => {
    route.value = here();
  };
  document.addEventListener("click", onClick);
  window.addEventListener("popstate", onBack);
  return () => {
    document.removeEventListener("click", onClick);
    window.removeEventListener("popstate", onBack);
  };
}

export interface SafeLink {
  href: string;
  external: boolean;
}

/** A link from a rule's annotation, if it leads to a web page; any other scheme could run code. */
export function safeLink(href: string): SafeLink | null {
  if (href === "") return null;
  let url: URL;
  try {
    url = new URL(href, location.origin);
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  const external = url.origin !== location.origin;
  return { href: external ? url.href : url.pathname + url.search + url.hash, external };
}
