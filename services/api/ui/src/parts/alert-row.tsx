import type { JSX } from "preact";

import { formatDuration } from "../format";
import { ApiError } from "../model/api";
import { useStore } from "../model/store";
import { strings } from "../strings";
import { toneOf } from "../tones";
import type { Alert } from "../types";
import { categoryText, severityText } from "./alert-item";
import { Icon } from "./icon";
import { SilenceButton } from "./silence";
import { Age } from "./time";

interface Selection {
  selected: boolean;
  toggle: (id: string) => void;
}

/** One alert in a long list; the data attributes are where the keyboard shortcuts press. */
export function AlertRow(props: { alert: Alert; selection?: Selection; more?: string[] }): JSX.Element {
  const { alert, selection, more = [] } = props;
  const store = useStore();
  const tone = toneOf(alert.severity);
  const title = alert.summary || alert.name;
  const lasted = alert.ends_at === null ? "" : strings.history.lasted(formatDuration(alert.ends_at - alert.starts_at));
  const by = alert.acknowledged === null ? "" : `${strings.alerts.acknowledgedBy} ${alert.acknowledged.by}`;
  const facts = [store.componentTitle(alert.component), categoryText(alert.category), lasted, by, ...more];
  const acknowledge = async (): Promise<void> => {
    try {
      await store.acknowledge(alert.id, "");
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      store.notice.value = `${caught.message} ${caught.mend}`;
    }
  };
  return (
    <article class="alert-row" tabIndex={0} data-alert={alert.id} aria-label={title}>
      {selection === undefined ? (
        <span />
      ) : (
        <input
          type="checkbox"
          checked={selection.selected}
          aria-label={strings.list.select(title)}
          onChange={() => selection.toggle(alert.id)}
          data-select
        />
      )}
      <Icon name={tone} label={severityText(alert.severity)} tone={tone} />
      <div class="alert-row-text">
        <a href={`/alerts/${encodeURIComponent(alert.id)}`} data-open>
          {title}
        </a>
        <p class="alert-row-facts">
          <Age at={alert.starts_at} /> · {facts.filter((part) => part !== "").join(" · ")}
        </p>
      </div>
      {store.mayAct && alert.status === "firing" && (
        <div class="alert-row-buttons">
          {alert.acknowledged === null && (
            <button
              type="button"
              class="icon-button"
              aria-label={strings.alerts.acknowledge}
              title={strings.alerts.acknowledge}
              onClick={() => void acknowledge()}
              data-acknowledge
            >
              <Icon name="check" />
            </button>
          )}
          <SilenceButton alert={alert} short />
        </div>
      )}
    </article>
  );
}
