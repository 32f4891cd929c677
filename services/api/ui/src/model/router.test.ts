import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { arriveLate, followLinks, navigate, route, routeOf, safeLink } from "./router";

describe("routeOf", () => {
  it.each([
    ["/", "", { page: "overview" }],
    ["/login", "", { page: "overview" }],
    ["/alerts/01%2F2", "", { page: "alert", id: "01/2" }],
    ["/alerts", "?tab=history", { page: "alerts", search: "?tab=history" }],
    ["/silences", "", { page: "silences" }],
    ["/status", "", { page: "status" }],
    ["/maintenance", "", { page: "maintenance" }],
    ["/trends", "?metric=celery_queue", { page: "trends", metric: "celery_queue" }],
    ["/trends", "", { page: "trends", metric: "" }],
    ["/alerts/", "", { page: "missing" }],
    ["/else", "", { page: "missing" }],
  ])("%s%s", (path, search, expected) => {
    expect(routeOf(path, search)).toEqual(expected);
  });
});

describe("safeLink", () => {
  it.each(["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "", "http://["])("refuses %s", (href) => {
    expect(safeLink(href)).toBeNull();
  });

  it("knows its own pages from others", () => {
    expect(safeLink("/trends?metric=x#y")).toEqual({ href: "/trends?metric=x#y", external: false });
    expect(safeLink("https://runbooks.example/a")).toEqual({ href: "https://runbooks.example/a", external: true });
    expect(safeLink("//evil.example/a")?.external).toBe(true);
  });
});

describe("links", () => {
  let unfollow: () => void;

  beforeEach(() => {
    document.body.innerHTML = `<main id="main" tabindex="-1"></main><h2 id="part" tabindex="-1"></h2>
      <a id="own" href="/alerts/7"><span>x</span></a><a id="skip" href="#main"></a><a id="api" href="/api/openapi.json"></a>
      <a id="new" href="/trends" target="_blank"></a><a id="other" href="https://elsewhere.example/"></a>`;
    unfollow = followLinks();
    navigate("/");
  });
  afterEach(() => {
    unfollow();
    document.body.innerHTML = "";
  });

  const click = (selector: string, init: MouseEventInit = {}): boolean =>
    document.querySelector(selector)?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...init })) ??
    false;

  it("follows a link of its own without loading", () => {
    expect(click("#own span")).toBe(false);
    expect(route.value).toEqual({ page: "alert", id: "7" });
    expect(location.pathname).toBe("/alerts/7");
  });

  it.each(["#api", "#new", "#other"])("leaves %s to the browser", (selector) => {
    document.addEventListener("click", (event) => event.preventDefault(), { once: true });
    click(selector);
    expect(route.value).toEqual({ page: "overview" });
  });

  it("leaves a click with a modifier to the browser", () => {
    document.addEventListener("click", (event) => event.preventDefault(), { once: true });
    click("#own", { ctrlKey: true });
    expect(route.value).toEqual({ page: "overview" });
  });

  it("moves the focus by the skip link, and keeps the address", () => {
    click("#skip");
    expect(document.activeElement?.id).toBe("main");
    expect(location.hash).toBe("");
  });

  it("goes to the named part of a page, also when it comes late", async () => {
    navigate("/#part");
    await new Promise(requestAnimationFrame);
    expect(document.activeElement?.id).toBe("part");
    document.getElementById("main")?.focus();
    arriveLate();
    expect(document.activeElement?.id).toBe("part");
  });

  it("follows the back button", () => {
    navigate("/trends");
    history.replaceState(null, "", "/alerts/9");
    window.dispatchEvent(new PopStateEvent("popstate"));
    expect(route.value).toEqual({ page: "alert", id: "9" });
  });
});
