import { start } from './ipc';
import { usePseudo } from './messages';
import { SCENARIOS, type Scenario } from './model';

/**
 * The window without its app: `?scenario=conflicts&lang=de&theme=dark#/conflicts`. `lang=pseudo` puts every message in
 * brackets and makes it longer, `dir=rtl` mirrors the window.
 */
export async function startMock(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const wanted = query.get('scenario') ?? 'healthy';
  const scenario = SCENARIOS.find((s) => s === wanted) ?? ('healthy' satisfies Scenario);
  const pseudo = query.get('lang') === 'pseudo';
  usePseudo(pseudo);
  if (query.get('dir') === 'rtl') document.documentElement.dir = 'rtl';
  start(scenario, {
    language: pseudo ? 'en' : (query.get('lang') ?? undefined),
    theme: query.get('theme') ?? undefined,
    slowMs: Number(query.get('slow') ?? 60),
  });
}

/** The page that shows every component in every state, at `#/ui`. */
export const page = () => import('./gallery/Gallery.svelte');
