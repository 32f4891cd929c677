import type { JSX } from "preact";

import { TABS, searchOf, type Filters, type Tab } from "../model/filters";
import { strings } from "../strings";

const words = strings.list;

export function Tabs({ filters, counts }: { filters: Filters; counts: Partial<Record<Tab, number>> }): JSX.Element {
  return (
    <nav class="tabs" aria-label={words.tabsLabel}>
      {TABS.map((tab) => {
        const search = searchOf({ ...filters, tab });
        const count = counts[tab];
        return (
          <a key={tab} href={`/alerts${search === "" ? "" : `?${search}`}`} aria-current={tab === filters.tab ? "page" : undefined}>
            {words.tabs[tab]}
            {count !== undefined && ` ${count}`}
          </a>
        );
      })}
    </nav>
  );
}

function Choice(props: {
  name: string;
  value: string;
  options: [string, string][];
  choose: (value: string) => void;
}): JSX.Element {
  const { name, value, options, choose } = props;
  return (
    <label>
      {name}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{words.any}</option>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function FilterBar(props: {
  filters: Filters;
  components: [string, string][];
  change: (part: Partial<Filters>) => void;
}): JSX.Element {
  const { filters, components, change } = props;
  return (
    <search class="filters" aria-label={words.filters}>
      <label>
        {words.search}
        <input
          type="search"
          value={filters.text}
          maxLength={200}
          onInput={(event) => change({ text: event.currentTarget.value })}
          data-search
        />
      </label>
      <Choice
        name={words.severity}
        value={filters.severity}
        options={Object.entries(strings.severity)}
        choose={(severity) => change({ severity })}
      />
      <Choice
        name={words.category}
        value={filters.category}
        options={Object.entries(strings.category)}
        choose={(category) => change({ category })}
      />
      <Choice
        name={words.component}
        value={filters.component}
        options={components}
        choose={(component) => change({ component })}
      />
      <Choice name={words.since} value={filters.since} options={words.spans} choose={(since) => change({ since })} />
    </search>
  );
}
