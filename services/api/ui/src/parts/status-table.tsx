/** Tables and figures of the status page. */

import type { ComponentChildren, JSX } from "preact";

import { formatValue } from "../format";
import { strings } from "../strings";
import type { Spread } from "../types";
import { Icon } from "./icon";

const words = strings.status;

/** A table that scrolls by itself where the screen is narrow; the first cell of a row names it. */
export function Table(props: { name: string; head: string[]; rows: [string, ...ComponentChildren[]][] }): JSX.Element {
  const { name, head, rows } = props;
  return (
    <div class="card status-table" tabIndex={0} role="group" aria-label={name}>
      <table>
        <thead>
          <tr>
            {head.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([key, ...cells]) => (
            <tr key={key}>
              {cells.map((cell, index) => (index === 0 ? <th scope="row">{cell}</th> : <td key={index}>{cell}</td>))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Names with their values; what is wrong stands out. */
export function Figures({ of }: { of: { name: string; value: ComponentChildren; wrong?: boolean }[] }): JSX.Element {
  return (
    <dl class="card status-figures">
      {of.map(({ name, value, wrong }) => (
        <div key={name} data-wrong={wrong ? "" : undefined}>
          <dt>{name}</dt>
          <dd>
            {wrong && <Icon name="warning" tone="warning" />}
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Why a part is not here, or not whole. */
export function Missing({ text }: { text: string }): JSX.Element | null {
  if (text === "") return null;
  return (
    <p class="notice" role="status">
      <Icon name="warning" tone="warning" />
      {text}
    </p>
  );
}

export const seconds = (value: number | null): string => formatValue(value, "seconds");

/** Median and 95th percentile. */
export const spread = (of: Spread | null): string => (of === null ? words.none : words.spread(seconds(of.p50), seconds(of.p95)));
