import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Overview } from '$lib/bindings';
import { emptyOverview } from '../../mock/data';
import { Calm } from './calm.svelte';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

it('follows once per overview, also while it holds a state back', () => {
  const at = (state: Overview['state']): Overview => ({ ...emptyOverview(), started: true, state });
  let overview = $state.raw(at('syncing'));
  let followed = 0;
  const calm = new Calm();
  const stop = $effect.root(() => {
    $effect(() => {
      followed += 1;
      calm.follow(overview);
    });
  });
  flushSync();
  // Over before "Syncing…" could be read: the state waits, and nobody is called for it.
  vi.advanceTimersByTime(100);
  overview = at('up_to_date');
  flushSync();
  expect(followed).toBe(2);
  expect(calm.shown?.state).toBe('syncing');
  vi.advanceTimersByTime(2_000);
  flushSync();
  expect(calm.shown?.state).toBe('up_to_date');
  expect(followed).toBe(2);
  stop();
});
