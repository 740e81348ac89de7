import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { firstPaintBudget } from './budget';

const mock = process.env.VITE_MOCK === '1';
const src = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [
    // Tests use the messages as compiled before; the plugin's watcher would keep them from ending.
    ...(process.env.VITEST
      ? []
      : [paraglideVitePlugin({ project: './project.inlang', outdir: './src/lib/paraglide' })]),
    svelte(),
    // The stand-in is heavier and does not ship.
    ...(mock ? [] : [firstPaintBudget(130)]),
    ...(process.env.VITEST ? [svelteTesting()] : []),
  ],
  resolve: {
    alias: {
      // The stand-in and the tests can stretch every message; what ships takes them as they are.
      ...(mock || process.env.VITEST ? { '$lib/paraglide/messages': src('./src/mock/messages.ts') } : {}),
      $lib: src('./src/lib'),
      // The stand-in for the app must not be in the bundle that ships, so it is chosen here and not by an `if`.
      '$entry-mock': src(mock ? './src/mock/entry.ts' : './src/mock/none.ts'),
    },
  },
  // Relative, so that the same files work from the app's own protocol and from any folder.
  base: './',
  clearScreen: false,
  server: { port: 1420, strictPort: true, watch: { ignored: ['**/src-tauri/**', '**/crates/**', '**/target/**'] } },
  // WebKitGTK 2.40 and Safari 16.4 are the oldest engines the window is drawn in; inlined data would need a wider CSP.
  build: {
    target: ['safari16.4', 'chrome111'],
    assetsInlineLimit: 0,
    emptyOutDir: true,
    sourcemap: false,
    chunkSizeWarningLimit: 800,
    // What the first screen needs in one piece: seventy small ones compress a fifth worse and each is a request.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
  },
  test: { environment: 'jsdom', include: ['src/**/*.test.ts'], setupFiles: ['./src/test-setup.ts'] },
});
