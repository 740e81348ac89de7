import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lasting } from './lasting.svelte';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a problem of the app itself', () => {
  it('is shown only once it has lasted five seconds, and asked again meanwhile', () => {
    const again = vi.fn();
    const gone = new Lasting(() => true);
    const stop = gone.start(again);
    vi.advanceTimersByTime(4_000);
    expect(gone.lasted).toBe(false);
    expect(again).toHaveBeenCalled();
    vi.advanceTimersByTime(2_500);
    expect(gone.lasted).toBe(true);
    stop();
  });

  it('is gone with its cause, and begins anew', () => {
    let wrong = true;
    const gone = new Lasting(() => wrong);
    const stop = gone.start(() => undefined);
    vi.advanceTimersByTime(7_000);
    wrong = false;
    vi.advanceTimersByTime(1_000);
    expect(gone.lasted).toBe(false);
    wrong = true;
    vi.advanceTimersByTime(3_000);
    expect(gone.lasted).toBe(false);
    stop();
  });
});
