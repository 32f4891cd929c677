/** A loaded machine must not fail a test: what is awaited may take its time. */

import { configure } from "@testing-library/preact";

export const PATIENCE = 60_000;

configure({ asyncUtilTimeout: PATIENCE });
