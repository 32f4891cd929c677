import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { listenForKeys } from "./model/keyboard";
import { route, type Route } from "./model/router";
import { StoreProvider, useStore, type Store } from "./model/store";
import { showTab, tabOf } from "./model/tab";
import { AlertPage } from "./pages/alert";
import { AlertsPage } from "./pages/alerts";
import { LoginPage } from "./pages/login";
import { OverviewPage } from "./pages/overview";
import { SilencesPage } from "./pages/silences";
import { TrendsPage } from "./pages/trends";
import { Disconnected } from "./parts/connection";
import { Header } from "./parts/header";
import { Later } from "./parts/later";
import { Shortcuts } from "./parts/shortcuts";
import { SilenceDialog } from "./parts/silence";
import { Empty, Failure, Loading } from "./parts/states";
import { strings } from "./strings";

function Page({ at }: { at: Route }): JSX.Element {
  switch (at.page) {
    case "overview":
      return <OverviewPage />;
    case "alert":
      return <AlertPage key={at.id} id={at.id} />;
    case "alerts":
      return <AlertsPage search={at.search} />;
    case "maintenance":
      return <Later key="maintenance" load={() => import("./pages/more").then((module) => module.MaintenancePage)} />;
    case "on-call":
      return <Later key="on-call" load={() => import("./pages/more").then((module) => module.OnCallPage)} />;
    case "silences":
      return <SilencesPage />;
    case "rules":
      return <Later key="rules" load={() => import("./pages/more").then((module) => module.RulesPage)} />;
    case "settings":
      return <Later key="settings" load={() => import("./pages/more").then((module) => module.SettingsPage)} />;
    case "status":
      return <Later key="status" load={() => import("./pages/more").then((module) => module.StatusPage)} />;
    case "quality":
      return <Later key="quality" load={() => import("./pages/more").then((module) => module.QualityPage)} />;
    case "statistics":
      return <Later key="statistics" load={() => import("./pages/more").then((module) => module.StatisticsPage)} />;
    case "trends":
      return <TrendsPage />;
    default:
      return (
        <>
          <Empty page icon="unknown" title={strings.notFound.title} help={strings.notFound.help} />
          <p class="centred">
            <a href="/">{strings.notFound.back}</a>
          </p>
        </>
      );
  }
}

function SignedIn(): JSX.Element {
  const store = useStore();
  const [help, setHelp] = useState(false);
  useEffect(() => listenForKeys(() => setHelp(true)), []);
  useSignalEffect(() => showTab(tabOf(store.state.value, store.stale.value)));
  return (
    <>
      <a class="skip" href="#main">
        {strings.skip}
      </a>
      <Header onShortcuts={() => setHelp(true)} />
      <Disconnected />
      <main id="main" class="main" tabIndex={-1}>
        {store.notice.value !== "" && (
          <p class="notice top-notice" role="alert">
            {store.notice.value}
          </p>
        )}
        <Page at={route.value} />
      </main>
      <SilenceDialog />
      <Shortcuts open={help} onClose={() => setHelp(false)} />
    </>
  );
}

function Content(): JSX.Element {
  const store = useStore();
  const session = store.session.value;
  switch (session.phase) {
    case "asking":
      return <Loading />;
    case "out":
      return <LoginPage ended={session.ended} />;
    case "failed":
      return (
        <main class="main" id="main">
          <Failure error={session.error} retry={() => void store.askWho()} />
        </main>
      );
    default:
      return <SignedIn />;
  }
}

export function App({ store }: { store: Store }): JSX.Element {
  return (
    <StoreProvider value={store}>
      <Content />
      <p class="hidden" role="status" aria-live="polite" aria-atomic="true">
        {store.spoken.value}
      </p>
    </StoreProvider>
  );
}
