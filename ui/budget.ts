import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** Keeps the scripts that have to be there before the window is drawn below `kib`, compressed; fails the build above it. */
export function firstPaintBudget(kib: number): Plugin {
  return {
    name: 'first-paint-budget',
    apply: 'build',
    generateBundle(_, bundle) {
      const first = new Set<string>();
      const walk = (name: string) => {
        const chunk = bundle[name];
        if (chunk?.type !== 'chunk' || first.has(name)) return;
        first.add(name);
        chunk.imports.forEach(walk);
      };
      for (const [name, chunk] of Object.entries(bundle)) if (chunk.type === 'chunk' && chunk.isEntry) walk(name);
      const bytes = [...first].reduce((sum, name) => {
        const chunk = bundle[name];
        return sum + (chunk?.type === 'chunk' ? gzipSync(chunk.code, { level: 9 }).length : 0);
      }, 0);
      const found = `${(bytes / 1024).toFixed(1)} KiB of scripts before the first paint, compressed`;
      if (bytes > kib * 1024) this.error(`${found}; at most ${kib} are allowed`);
      else this.info(found);
    },
  };
}
