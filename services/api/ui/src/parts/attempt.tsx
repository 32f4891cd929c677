/** What a form or button asks for, and why it failed. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { ApiError } from "../model/api";

/** Runs what a form or button asks for; keeps why it failed. */
export function useAttempt(): [string, (work: () => Promise<unknown>) => Promise<boolean>] {
  const [error, setError] = useState("");
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      setError("");
      return true;
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
      return false;
    }
  };
  return [error, attempt];
}

export const Wrong = ({ text }: { text: string }): JSX.Element | null =>
  text === "" ? null : (
    <p class="form-error" role="alert">
      {text}
    </p>
  );
