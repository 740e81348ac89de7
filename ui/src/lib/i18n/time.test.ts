import { beforeEach, describe, expect, it } from 'vitest';
import { useLanguage } from './locale.svelte';
import { age, clock, clockRange, dayKey, duration, moment, sameWall } from './time';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const BERLIN = 'Europe/Berlin';
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

describe('times', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));

  it('says "just now" under a minute, relative under a month, the date afterwards', () => {
    expect(age(ago(20), BERLIN, NOW)).toBe('just now');
    expect(age(ago(119), BERLIN, NOW)).toBe('1 min ago');
    expect(age(ago(7_300), BERLIN, NOW)).toBe('2 hr ago');
    expect(age(ago(3 * 86_400), BERLIN, NOW)).toBe('3 days ago');
    expect(age(ago(40 * 86_400), BERLIN, NOW)).toMatch(/^Mon,? 12 Oct$/);
    expect(age(ago(-780), BERLIN, NOW)).toBe('in 13 min');
    useLanguage('de', 'de-DE');
    expect(age(ago(20), BERLIN, NOW)).toBe('gerade eben');
  });

  it('keeps the wall clock across the end of summer time', () => {
    expect(clock('2026-10-24T07:00:00Z', BERLIN)).toBe('09:00');
    expect(clock('2026-10-26T08:00:00Z', BERLIN)).toBe('09:00');
    expect(clockRange('2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', BERLIN)).toBe('02:30–02:30');
  });

  it('joins a range by what its locale does, also over midnight', () => {
    expect(clockRange('2026-11-23T12:00:00Z', '2026-11-23T13:00:00Z', BERLIN)).toBe('13:00–14:00');
    expect(clockRange('2026-11-23T22:00:00Z', '2026-11-24T00:00:00Z', BERLIN)).toBe('23:00–01:00');
    useLanguage('en', 'en-US');
    expect(clockRange('2026-11-23T12:00:00Z', '2026-11-23T13:00:00Z', BERLIN)).toMatch(/^1:00\s–\s2:00\sPM$/);
  });

  it('puts a late appointment on the day of the zone it is shown in', () => {
    expect(dayKey('2026-11-21T23:30:00Z', BERLIN)).toBe('2026-11-22');
    expect(dayKey('2026-11-21T23:30:00Z', 'America/Los_Angeles')).toBe('2026-11-21');
  });

  it('names another zone only where its wall clock differs', () => {
    expect(sameWall('2026-11-21T09:00:00Z', BERLIN, 'Europe/Vienna')).toBe(true);
    expect(sameWall('2026-11-21T09:00:00Z', BERLIN, 'America/New_York')).toBe(false);
  });

  it('survives a zone it does not know', () => {
    expect(() => clock('2026-11-21T09:00:00Z', 'Mars/Olympus')).not.toThrow();
  });

  it('counts lengths in their largest fitting unit', () => {
    expect(duration(5 * 60_000)).toBe('5 minutes');
    expect(duration(2 * 3_600_000)).toBe('2 hours');
    expect(moment('2026-11-21T13:00:00Z', BERLIN, NOW)).toBe('today 14:00');
    useLanguage('de', 'de-DE');
    expect(duration(60_000)).toBe('1 Minute');
    expect(moment('2026-11-22T13:00:00Z', BERLIN, NOW)).toBe('morgen 14:00');
  });
});
