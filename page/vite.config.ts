import { defineConfig } from "vitest/config";

// The bundle is part of the Python package. All its addresses are relative, so that it works behind any path
// prefix, and nothing in it is inline, so that the server can forbid inline scripts and styles.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/impasto/web/page",
    emptyOutDir: true,
    target: "es2023",
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev` against an `impasto web --port 8765 --no-open` that runs beside it.
    proxy: { "/api": { target: "http://127.0.0.1:8765", changeOrigin: true } },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node", pool: "threads", isolate: false, fileParallelism: false },
});
