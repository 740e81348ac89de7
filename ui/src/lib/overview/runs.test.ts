import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandError } from '$lib/command';
import { emptyOverview } from '../../mock/data';
import { syncNow } from './api';
import { runEnded, syncToItsEnd } from './runs';
import { overview } from './state.svelte';

vi.mock('./api', () => ({ syncNow: vi.fn(async () => null), getOverview: vi.fn() }));

describe('waiting for the end of a run', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    overview.clear();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function waits(begin: () => Promise<boolean>) {
    let told: boolean | undefined;
    void begin().then((ended) => (told = ended));
    await vi.advanceTimersByTimeAsync(0);
    return async () => (await vi.advanceTimersByTimeAsync(0), told);
  }

  it('is over when the run is', async () => {
    const told = await waits(() => syncToItsEnd());
    expect(await told()).toBeUndefined();
    runEnded();
    expect(await told()).toBe(true);
  });

  it('does not take the end of the run under way for that of the one that was asked for', async () => {
    overview.set({ ...emptyOverview(), progress: { done: 1, total: 3 } });
    const told = await waits(() => syncToItsEnd());
    runEnded();
    expect(await told()).toBeUndefined();
    runEnded();
    expect(await told()).toBe(true);
  });

  it('hears of a run that is over before the answer is there', async () => {
    vi.mocked(syncNow).mockImplementationOnce(async () => (runEnded(), null));
    expect(await (await waits(() => syncToItsEnd()))()).toBe(true);
  });

  it('gives up after a while, and at once where no run can be asked for', async () => {
    const told = await waits(() => syncToItsEnd(90_000));
    await vi.advanceTimersByTimeAsync(89_999);
    expect(await told()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(await told()).toBe(false);
    const refused = new CommandError({ code: 'not_connected', detail: null, field: null, retryable: false });
    vi.mocked(syncNow).mockRejectedValueOnce(refused);
    await expect(syncToItsEnd()).rejects.toBe(refused);
    expect(vi.getTimerCount()).toBe(0);
  });
});
