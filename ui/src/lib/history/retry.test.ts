import { afterEach, expect, it, vi } from 'vitest';
import { toast } from 'svelte-sonner';
import type { Problem } from '$lib/bindings';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { solve } from '$lib/overview/solve';
import { overview } from '$lib/overview/state.svelte';
import { start } from '../../mock/ipc';
import { retrying } from './retry.svelte';

afterEach(() => {
  retrying.clear();
  overview.clear();
  vi.restoreAllMocks();
});

it('does not say that something is tried while nothing is', async () => {
  const { state } = start('error', { language: 'en', slowMs: 0 });
  useLanguage('en', 'en-GB');
  const said = vi.spyOn(toast, 'success');
  const problem = { code: 'writes_failed', action: 'try_again' } as Problem;
  for (const [rest, words] of [
    [{}, 'Trying again'],
    [{ paused_for_ever: true }, 'Will be tried when syncing goes on'],
    [{ enabled: false }, 'Will be tried when syncing goes on'],
  ] as const) {
    const now = { ...state.overview, ...rest };
    overview.set(now);
    await retrying.one('apt_5');
    await retrying.list({} as never, ['apt_5']);
    await solve(problem, now);
    expect(said.mock.calls.map(([text]) => text)).toEqual([words, words, words]);
    said.mockClear();
  }
});
