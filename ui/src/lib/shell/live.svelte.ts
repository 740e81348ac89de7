import { appointmentsChanged } from '$lib/appointments/state.svelte';
import { events } from '$lib/bindings';
import { conflicts } from '$lib/conflicts/state.svelte';
import { historyChanged } from '$lib/history/state.svelte';
import { signIn } from '$lib/onboarding/signin.svelte';
import { runEnded } from '$lib/overview/runs';
import { overview, progressed } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { setNow } from '$lib/i18n/now.svelte';
import { networkIsBack } from './api';
import { systemThemeIs } from './info.svelte';
import { go } from './router.svelte';

const TOPICS: Record<string, () => void> = {
  overview: () => void overview.refresh(),
  appointments: () => appointmentsChanged(),
  conflicts: () => void conflicts.refresh(),
  history: () => historyChanged(),
  settings: () => void settings.refresh(),
  run: runEnded,
};

/** Listens to the app; what was never asked for is not fetched. */
export async function startLive(): Promise<() => void> {
  const stops = await Promise.all([
    events.stateChanged.listen(({ payload }) => {
      setNow(Date.now());
      for (const topic of payload.topics) TOPICS[topic]?.();
    }),
    events.syncProgress.listen(({ payload }) => progressed(payload)),
    events.signInChanged.listen(({ payload }) => (signIn.view = payload)),
    events.appearanceChanged.listen(({ payload }) => systemThemeIs(payload.system_theme)),
    events.navigate.listen(({ payload }) => go(payload.route)),
  ]);
  const online = () => void networkIsBack().catch(() => {});
  addEventListener('online', online);
  return () => {
    removeEventListener('online', online);
    stops.forEach((stop) => stop());
  };
}
