import { beforeEach, describe, expect, it } from 'vitest';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { dayNamer, mondayOf, startOfDay } from './days';
import { active, asQuery, backwards, readFilters, timeWords, without, writeFilters } from './filters';
import { find } from './find';

const BERLIN = 'Europe/Berlin';
const NOW = Date.parse('2026-11-21T09:00:00Z');
const read = (search: string) => readFilters(new URLSearchParams(search));
const back = (search: string) => {
  const written = writeFilters(read(search));
  return new URLSearchParams(Object.entries(written).filter((e): e is [string, string] => !!e[1])).toString();
};

describe('filters in the address', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));

  it('come back as they were written', () => {
    for (const search of [
      '',
      'result=problem',
      'result=ok&source=you&appointment=apt_1&run=run_9&range=7d',
      'from=2026-11-01&to=2026-11-10',
    ])
      expect(back(search)).toBe(search);
  });

  it('filter nothing where they are not understood', () => {
    expect(active(read('result=x&source=moon&range=year&from=yesterday&to=2026-13-40'))).toEqual([]);
  });

  it('count time once, and one way of saying it wins', () => {
    const both = read('range=today&from=2026-11-01');
    expect(both.from).toBeNull();
    expect(active(both)).toEqual(['time']);
    expect(active(read('from=2026-11-01&to=2026-11-02'))).toEqual(['time']);
    expect(without(read('from=2026-11-01&result=ok'), 'time')).toMatchObject({ from: null, result: 'ok' });
  });

  it('ask for whole days of the zone, the last one included', () => {
    expect(asQuery(read('range=today'), NOW, BERLIN).since).toBe('2026-11-20T23:00:00.000Z');
    expect(asQuery(read('range=7d'), NOW, BERLIN).since).toBe('2026-11-14T23:00:00.000Z');
    const own = asQuery(read('from=2026-10-25&to=2026-10-25'), NOW, BERLIN);
    // The day on which summer time ends has 25 hours.
    expect([own.since, own.before]).toEqual(['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z']);
  });

  it('stay the same question while the clock goes on', () => {
    const filters = read('range=30d');
    expect(asQuery(filters, NOW, BERLIN)).toEqual(asQuery(filters, NOW + 7 * 3_600_000, BERLIN));
  });

  it('say when the last day lies before the first', () => {
    expect(backwards(read('from=2026-11-10&to=2026-11-09'))).toBe(true);
    expect(backwards(read('from=2026-11-10&to=2026-11-10'))).toBe(false);
  });

  it('are named in words', () => {
    expect(timeWords(read('range=7d'))).toBe('Last 7 days');
    expect(timeWords(read('from=2026-11-10'))).toMatch(/^Since Tue,? 10 Nov$/);
  });
});

describe('days', () => {
  it('begin where the zone says so', () => {
    const begins = (day: string, zone: string) => new Date(startOfDay(day, zone)).toISOString();
    expect(begins('2026-03-29', BERLIN)).toBe('2026-03-28T23:00:00.000Z');
    expect(begins('2026-03-30', BERLIN)).toBe('2026-03-29T22:00:00.000Z');
    expect(begins('2026-11-21', 'Pacific/Kiritimati')).toBe('2026-11-20T10:00:00.000Z');
    expect(begins('2026-11-21', 'Pacific/Pago_Pago')).toBe('2026-11-21T11:00:00.000Z');
    expect(begins('2026-11-21', 'Asia/Kathmandu')).toBe('2026-11-20T18:15:00.000Z');
  });

  it('are named for a list that runs backwards', () => {
    const name = dayNamer(BERLIN);
    const at = ['2026-11-21T23:30:00Z', '2026-11-21T22:59:00Z', '2026-11-20T23:00:00Z', '2026-11-20T22:59:59Z'];
    expect(at.map((x) => name(Date.parse(x)))).toEqual(['2026-11-22', '2026-11-21', '2026-11-21', '2026-11-20']);
  });

  it('know their Monday', () => {
    expect(mondayOf('2026-11-22')).toBe('2026-11-16');
    expect(mondayOf('2026-11-23')).toBe('2026-11-23');
  });
});

describe('finding an appointment', () => {
  const ahead = [
    { id: 'a', title: 'Löwen-Apotheke am Königsplatz', start: '2026-11-24T09:00:00Z' },
    { id: 'b', title: 'Apotheke am Markt', start: '2026-11-25T09:00:00Z' },
  ] as never[];
  const past = [
    { appointment_id: 'c', title: 'Apotheke Süd\u200b' },
    { appointment_id: 'a', title: 'old' },
  ] as never[];

  it('takes every word, without accents, and puts what begins so first', () => {
    expect(find('apotheke', ahead, past).map((f) => f.id)).toEqual(['b', 'c', 'a']);
    expect(find('konigs lowen', ahead, past).map((f) => f.id)).toEqual(['a']);
    expect(find('sud', ahead, past).map((f) => f.id)).toEqual(['c']);
    expect(find('  ', ahead, past)).toEqual([]);
    expect(find('.*', ahead, past)).toEqual([]);
  });
});
