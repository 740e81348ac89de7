import { describe, expect, it } from 'vitest';
import type { Beat } from '$lib/bindings';
import { heartbeat } from './heartbeat';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const HOUR = 3_600_000;
const beat = (ago: number, everyMinutes = 15): Beat => ({
  run_id: `r${ago}`,
  at: new Date(NOW - ago * HOUR).toISOString(),
  missed_at: new Date(NOW - ago * HOUR + 2.5 * everyMinutes * 60_000).toISOString(),
  result: 'success',
  changes: 0,
  problem: null,
});
const every15 = (fromHours: number, toHours: number): Beat[] => {
  const found: Beat[] = [];
  for (let ago = fromHours; ago >= toHours; ago -= 0.25) found.push(beat(ago));
  return found;
};

describe('heartbeat', () => {
  it('has no gaps while the laptop was awake', () => {
    const { strokes, gaps } = heartbeat(every15(24, 0), NOW);
    expect(strokes).toHaveLength(97);
    expect(gaps).toEqual([]);
  });

  it('explains the night in between, and nothing for one late run', () => {
    const { gaps } = heartbeat([...every15(24, 18), ...every15(6, 1), beat(0.5), beat(0)], NOW);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.reason).toBe('unknown');
    expect(gaps[0]?.from).toBeCloseTo(0.25, 5);
    expect(gaps[0]?.to).toBeCloseTo(0.75, 5);
  });

  it('says "before the first run" only where the first run of all is shown', () => {
    const reasons = (firstAgo: number | null) =>
      heartbeat(every15(2, 0), NOW, null, firstAgo === null ? null : NOW - firstAgo * HOUR).gaps.map((g) => g.reason);
    expect(reasons(2)).toEqual(['before']);
    expect(reasons(24 * 40)).toEqual(['unknown']);
    expect(reasons(null)).toEqual(['unknown']);
  });

  it('does not guess why a pause or an outage that is over had no runs', () => {
    const { gaps } = heartbeat([...every15(24, 9), ...every15(6, 0)], NOW, null, NOW - 40 * 24 * HOUR);
    expect(gaps.map((g) => g.reason)).toEqual(['unknown']);
  });

  it('names the gap that is still open by what is true now', () => {
    expect(heartbeat(every15(24, 3), NOW, 'paused').gaps.map((g) => g.reason)).toEqual(['paused']);
    expect(heartbeat(every15(24, 3), NOW, 'offline').gaps.map((g) => g.reason)).toEqual(['offline']);
  });

  it('calls a time without checks quiet while both sides tell their changes', () => {
    const reasons = (beats: Beat[], open: 'paused' | 'offline' | null = null) =>
      heartbeat(beats, NOW, open, NOW - 40 * 24 * HOUR, true).gaps.map((g) => g.reason);
    // What is over may have been quiet or a laptop that was off; nobody wrote down which.
    expect(reasons([...every15(24, 9), ...every15(4, 3)])).toEqual(['perhaps', 'quiet']);
    expect(reasons(every15(24, 3), 'offline')).toEqual(['offline']);
    // Longer than the laptop would have waited for a hint.
    expect(reasons([...every15(24, 18), ...every15(6, 0)])).toEqual(['unknown']);
    expect(reasons(every15(24, 11))).toEqual(['unknown']);
  });

  it('explains a day without any run, unless there never was one', () => {
    const reasons = (firstAgo: number | null, open: 'paused' | null = null) =>
      heartbeat([], NOW, open, firstAgo === null ? null : NOW - firstAgo * HOUR).gaps.map((g) => g.reason);
    expect(reasons(24 * 40)).toEqual(['unknown']);
    expect(reasons(24 * 40, 'paused')).toEqual(['paused']);
    expect(reasons(null)).toEqual([]);
  });

  it('takes for missing what each beat says of the time after it', () => {
    const hourly = (every: number) => Array.from({ length: 25 }, (_, i) => beat(24 - i, every));
    expect(heartbeat(hourly(60), NOW).gaps).toEqual([]);
    expect(heartbeat(hourly(15), NOW).gaps).toHaveLength(24);
    // An evening with a check each hour between two times with one each quarter of an hour.
    const evening = [20, 19, 18, 17].map((ago) => beat(ago, 60));
    expect(heartbeat([...every15(24, 20.25), ...evening, ...every15(16, 0)], NOW).gaps).toEqual([]);
  });

  it('counts from the last check before these 24 hours, if there was one', () => {
    const begin = (last: Beat) => heartbeat([last, ...every15(23, 0)], NOW).gaps;
    expect(begin(beat(24.5, 60))).toEqual([]);
    expect(begin(beat(25.75, 60)).map((g) => [g.from, g.reason])).toEqual([[0, 'unknown']]);
  });

  it('leaves out what is older than a day', () => {
    expect(heartbeat([beat(30), beat(0.1)], NOW).strokes).toHaveLength(1);
  });
});
