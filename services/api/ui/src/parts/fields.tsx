/** Parts of forms: a text, a choice, a check box, a warning. */

import type { ComponentChildren, InputHTMLAttributes, JSX } from "preact";

import { Icon } from "./icon";

interface FieldProps extends Omit<InputHTMLAttributes, "value" | "label"> {
  label: string;
  value: string;
  set: (value: string) => void;
}

export const Field = ({ label, set, ...rest }: FieldProps): JSX.Element => (
  <label>
    {label}
    <input {...rest} onInput={(event) => set(event.currentTarget.value)} />
  </label>
);

export const Choice = (props: {
  label: string;
  value: string;
  set: (value: string) => void;
  options: [value: string, text: string, disabled?: boolean][];
}): JSX.Element => (
  <label>
    {props.label}
    <select value={props.value} onChange={(event) => props.set(event.currentTarget.value)}>
      {props.options.map(([value, text, disabled]) => (
        <option key={value} value={value} disabled={disabled}>
          {text}
        </option>
      ))}
    </select>
  </label>
);

export const Check = (props: {
  on: boolean;
  set: (on: boolean) => void;
  label?: string;
  disabled?: boolean;
  children: ComponentChildren;
}): JSX.Element => (
  <label class="tag">
    <input
      type="checkbox"
      aria-label={props.label}
      checked={props.on}
      disabled={props.disabled}
      onChange={(event) => props.set(event.currentTarget.checked)}
    />
    {props.children}
  </label>
);

export const Warned = ({ children }: { children: ComponentChildren }): JSX.Element => (
  <p class="warned">
    <Icon name="warning" tone="warning" />
    <span>{children}</span>
  </p>
);
