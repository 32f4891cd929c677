/** What stands where there is nothing to show. */

import type { ComponentChildren, JSX } from "preact";

import type { ApiError } from "../model/api";
import { strings } from "../strings";
import { Icon, type IconName } from "./icon";

/** With `page` it is all that the page has to say, and its title the page's heading. */
export function Empty(props: { icon: IconName; title: string; help: string; page?: boolean }): JSX.Element {
  const { icon, title, help, page } = props;
  const Title = page ? "h1" : "p";
  return (
    <div class="empty">
      <Icon name={icon} />
      <Title class="empty-title">{title}</Title>
      <p>{help}</p>
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry: () => void }): JSX.Element {
  return (
    <div class="failure" role="alert">
      <Icon name="warning" tone="warning" />
      <div>
        <p class="failure-title">{error.message}</p>
        {error.mend !== "" && <p>{error.mend}</p>}
      </div>
      <button type="button" class="button" onClick={retry}>
        {strings.errors.retry}
      </button>
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <p class="loading" role="status">
      {strings.errors.loading}
    </p>
  );
}

/** A titled part of a page; says so when what it shows is out of date. */
export function Section(props: {
  id: string;
  title: string;
  count?: number;
  stale?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const { id, title, count, stale, children } = props;
  return (
    <section class="section" id={id} aria-labelledby={`${id}-title`} data-stale={stale ? "" : undefined}>
      <header class="section-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {count !== undefined && count > 0 && <span class="count">{count}</span>}
        {stale && <span class="stale-mark">{strings.link.stale}</span>}
      </header>
      {children}
    </section>
  );
}
