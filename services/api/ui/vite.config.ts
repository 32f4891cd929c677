/// <reference types="vitest/config" />
import { defineConfig } from "vite";

// Where `npm run dev` finds an API: a running Tocsin, or `python -m tests.browser.stub`.
const api = process.env["TOCSIN_API"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    // The page's security policy allows no data: addresses.
    assetsInlineLimit: 0,
    // One file of styles compresses far better than several small ones.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { host: "127.0.0.1", proxy: { "/api": { target: api, ws: true } } },
  test: {
    environment: "happy-dom",
    setupFiles: ["src/testing/patience.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    include: ["src/**/*.test.{ts,tsx}"],
    coverage: { provider: "v8", include: ["src/**"], exclude: ["src/**/*.test.*", "src/main.tsx", "src/testing/**"] },
  },
});
