import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { route } from "../model/router";
import { useStore } from "../model/store";
import { strings } from "../strings";
import { Icon } from "./icon";

function NavLink({ href, text, here }: { href: string; text: string; here: boolean }): JSX.Element {
  return (
    <a href={href} aria-current={here ? "page" : undefined}>
      {text}
    </a>
  );
}

function LinkPill(): JSX.Element {
  const { phase } = useStore().link.value;
  const text =
    phase === "live" ? strings.link.live : phase === "waiting" ? strings.link.lost : strings.link.connecting;
  return (
    <span class="pill" data-phase={phase}>
      <span class="pill-dot" />
      <span class="pill-text">{text}</span>
    </span>
  );
}

export function Header({ onShortcuts }: { onShortcuts: () => void }): JSX.Element {
  const store = useStore();
  const session = store.session.value;
  const { page } = route.value;
  // On a phone the row of pages scrolls: the one that is shown must be seen.
  useEffect(() => {
    document.querySelector(".top nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [page]);
  return (
    <header class="top">
      <div class="top-inner">
        <a class="brand" href="/" aria-label={strings.product}>
          <Icon name="bell" />
          <span>{strings.product}</span>
        </a>
        <nav aria-label={strings.nav.label} data-scrolls>
          <NavLink href="/" text={strings.nav.overview} here={page === "overview"} />
          <NavLink href="/alerts" text={strings.nav.alerts} here={page === "alerts" || page === "alert"} />
          <NavLink href="/trends" text={strings.nav.trends} here={page === "trends"} />
          <NavLink href="/rules" text={strings.nav.rules} here={page === "rules"} />
          <NavLink href="/silences" text={strings.nav.silences} here={page === "silences"} />
          <NavLink href="/on-call" text={strings.nav.onCall} here={page === "on-call"} />
          <NavLink href="/maintenance" text={strings.nav.maintenance} here={page === "maintenance"} />
          <NavLink href="/status" text={strings.nav.status} here={page === "status"} />
          <NavLink href="/quality" text={strings.nav.quality} here={page === "quality"} />
          <NavLink href="/settings" text={strings.nav.settings} here={page === "settings"} />
        </nav>
        <div class="top-end">
          <LinkPill />
          <button
            type="button"
            class="icon-button keys-button"
            aria-label={strings.shortcuts.open}
            title={`${strings.shortcuts.open} (?)`}
            onClick={onShortcuts}
          >
            <Icon name="keyboard" />
          </button>
          {session.phase === "in" && (
            <>
              <span class="who">{strings.user.signedInAs(session.user.username, session.user.role)}</span>
              <button
                type="button"
                class="icon-button"
                aria-label={strings.user.signOut}
                title={strings.user.signOut}
                onClick={() => void store.logout()}
              >
                <Icon name="leave" />
              </button>
            </>
          )}
        </div>
      </div>
    </header>
  );
}
