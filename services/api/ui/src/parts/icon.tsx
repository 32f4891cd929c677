/** Icons, one path each; the statuses differ in shape, not in colour alone. */

import type { JSX } from "preact";

import type { Tone } from "../tones";

const PATHS = {
  ok: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm-1.2 14.2-4-4 1.6-1.6 2.4 2.4 5-5 1.6 1.6-6.6 6.6Z",
  warning: "M12 2.6 1.4 21h21.2L12 2.6ZM11 9.5h2v6h-2v-6Zm0 7.3h2v2h-2v-2Z",
  critical: "M8 2h8l6 6v8l-6 6H8l-6-6V8l6-6Zm.4 5L7 8.4l3.6 3.6L7 15.6 8.4 17l3.6-3.6 3.6 3.6 1.4-1.4-3.6-3.6L17 8.4 15.6 7 12 10.6 8.4 7Z",
  unknown:
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm-1 14.6h2v2h-2v-2Zm1-11.2c2.4 0 4 1.4 4 3.4 0 1.5-.8 2.3-1.9 3.1-.8.6-1.1 1-1.1 1.8v.7h-2v-.9c0-1.5.8-2.3 1.8-3 .8-.6 1.2-1 1.2-1.7 0-.8-.7-1.4-2-1.4s-2 .7-2.2 1.8l-2-.4c.3-2 1.9-3.4 4.2-3.4Z",
  info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm-1 4.5h2v2h-2v-2Zm0 4h2v7h-2v-7Z",
  bell: "M12 2a1.5 1.5 0 0 0-1.5 1.5v.7A6.5 6.5 0 0 0 5.5 10.500v4.3L3.500 17.500V18.500h17V17.500l-2-2.700v-4.300a6.500 6.500 0 0 0-5-6.300v-.7A1.500 1.500 0 0 0 12 2ZM9.500 20a2.500 2.500 0 0 0 5 0h-5Z",
  check: "m9.500 17.600-5.200-5.200 1.700-1.700 3.500 3.500 8.500-8.500 1.700 1.700L9.500 17.600Z",
  comment: "M4 4h16v12H9.500L5 20v-4H4V4Zm2 2v8h1v1.800l2-1.800h9V6H6Zm2 2h8v1.600H8V8Zm0 2.800h5v1.600H8v-1.600Z",
  arrow: "M13.200 5.600 11.800 7l4 4H4v2h11.800l-4 4 1.400 1.400L19.600 12l-6.400-6.400Z",
  back: "m10.800 5.600 1.400 1.400-4 4H20v2H8.200l4 4-1.400 1.400L4.400 12l6.400-6.400Z",
  external: "M5 5h6v2H7v10h10v-4h2v6H5V5Zm9 0h5v5h-2V8.400l-5.300 5.300-1.400-1.400L15.600 7H14V5Z",
  keyboard: "M2 6h20v12H2V6Zm2 2v8h16V8H4Zm1.500 1.500h2v2h-2v-2Zm3.700 0h2v2h-2v-2Zm3.700 0h2v2h-2v-2Zm3.700 0h2v2h-2v-2ZM7.500 13h9v1.800h-9V13Z",
  leave: "M4 4h9v2H6v12h7v2H4V4Zm11.500 3.500L20 12l-4.500 4.500-1.400-1.400 2.100-2.100H9v-2h7.200l-2.100-2.100 1.400-1.400Z",
  mute: "M4.400 3 3 4.400l4 4A6.500 6.500 0 0 0 5.500 12.500v3L3.500 18v1h14.100l2 2L21 19.600 4.400 3ZM12 2a1.500 1.500 0 0 0-1.500 1.500v.7c-.6.200-1.200.400-1.700.800l9.700 9.700v-4.200a6.500 6.500 0 0 0-5-6.300v-.7A1.500 1.500 0 0 0 12 2ZM9.500 20a2.500 2.500 0 0 0 5 0h-5Z",
  up: "m12 5 7 8h-4.500v6h-5v-6H5l7-8Z",
  down: "m12 19-7-8h4.500V5h5v6H19l-7 8Z",
  flat: "M4 10.500h16v3H4v-3Z",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside a text that says the same; with `label` it speaks for itself. */
export function Icon({ name, label, tone }: { name: IconName; label?: string; tone?: Tone }): JSX.Element {
  const said = label === undefined ? { "aria-hidden": true as const } : { role: "img" as const, "aria-label": label };
  return (
    <svg class="icon" viewBox="0 0 24 24" width="16" height="16" data-tone={tone} {...said}>
      <path d={PATHS[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}

/** A status by shape, colour and word. */
export function Badge({ tone, text }: { tone: Tone; text: string }): JSX.Element {
  return (
    <span class="badge" data-tone={tone}>
      <Icon name={tone} />
      {text}
    </span>
  );
}
