import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Overview } from '$lib/bindings';
import { emptyOverview } from '../../mock/data';
import { Calm } from './calm.svelte';

const at = (state: Overview['state'], more: Partial<Overview> = {}): Overview => ({
  ...emptyOverview(),
  started: true,
  state,
  ...more,
});

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

describe('what is shown of a run', () => {
  it('is nothing if it was over within half a second', () => {
    const calm = new Calm();
    calm.follow(at('up_to_date'));
    calm.follow(at('syncing'));
    expect(calm.shown?.state).toBe('up_to_date');
    vi.advanceTimersByTime(300);
    calm.follow(at('up_to_date'));
    vi.advanceTimersByTime(2_000);
    expect(calm.shown?.state).toBe('up_to_date');
  });

  it('is "Syncing…" once it lasts, with its progress', () => {
    const calm = new Calm();
    calm.follow(at('up_to_date'));
    calm.follow(at('syncing'));
    calm.follow(at('syncing', { progress: { done: 2, total: 9 } }));
    vi.advanceTimersByTime(500);
    expect(calm.shown).toMatchObject({ state: 'syncing', progress: { done: 2, total: 9 } });
  });

  it('stays long enough to be read', () => {
    const calm = new Calm();
    calm.follow(at('up_to_date'));
    calm.follow(at('syncing'));
    vi.advanceTimersByTime(520);
    calm.follow(at('up_to_date'));
    expect(calm.shown?.state).toBe('syncing');
    vi.advanceTimersByTime(600);
    expect(calm.shown?.state).toBe('up_to_date');
  });

  it('never holds back what matters, nor the numbers', () => {
    const calm = new Calm();
    calm.follow(at('syncing'));
    calm.follow(at('needs_attention'));
    expect(calm.shown?.state).toBe('needs_attention');
    calm.follow(at('up_to_date'));
    const counts = { ...emptyOverview().counts, synced: 7 };
    calm.follow(at('syncing', { counts }));
    expect(calm.shown).toMatchObject({ state: 'up_to_date', counts: { synced: 7 } });
  });
});

it('never says "Up to date" while something waits, however short the run', () => {
  const calm = new Calm();
  const counts = { ...emptyOverview().counts, waiting: 12 };
  calm.follow(at('up_to_date', { counts }));
  calm.follow(at('syncing', { counts }));
  expect(calm.shown?.state).toBe('syncing');
});
