import { retry } from '$lib/appointments/api';
import type { Overview, Problem } from '$lib/bindings';
import { signIn } from '$lib/onboarding/signin.svelte';
import { go } from '$lib/shell/router.svelte';
import { act } from '$lib/ui/act';
import { syncNow } from './api';
import { retryWord } from './status';

/** Does the one next step of a problem. "Sync from this laptop" asks first and is not done here. */
export async function solve(problem: Problem, overview: Overview): Promise<void> {
  switch (problem.action) {
    case 'reconnect_google':
      go('/connect/google');
      return signIn.begin('google');
    case 'reconnect_platform':
      go('/connect/platform');
      return signIn.begin('platform', overview.platform?.url ?? null);
    case 'choose_calendar':
      return go('/settings', { section: 'calendar', at: 'calendar' });
    case 'try_again':
      await act(() => (problem.code === 'writes_failed' ? retry(null) : syncNow()), retryWord(overview));
      return;
  }
}
