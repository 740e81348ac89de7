import { start } from './ipc';
import { SCENARIOS, type Scenario } from './model';

/** The window without its app: `?scenario=conflicts&lang=de&theme=dark#/conflicts`. */
export async function startMock(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const wanted = query.get('scenario') ?? 'healthy';
  const scenario = SCENARIOS.find((s) => s === wanted) ?? ('healthy' satisfies Scenario);
  start(scenario, {
    language: query.get('lang') ?? undefined,
    theme: query.get('theme') ?? undefined,
    slowMs: Number(query.get('slow') ?? 60),
  });
}

/** The page that shows every component in every state, at `#/ui`. */
export const page = () => import('./gallery/Gallery.svelte');
