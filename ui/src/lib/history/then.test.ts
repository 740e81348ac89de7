import { describe, expect, it } from 'vitest';
import type { HistoryRow, PastEvent } from '$lib/bindings';
import {
  byDay,
  changesCalendar,
  changesPerDay,
  differingDays,
  firstWeek,
  momentOfDay,
  moments,
  nearest,
  readMoment,
  restorable,
  step,
  weekOf,
  writeMoment,
} from './then';

const BERLIN = 'Europe/Berlin';
const at = (text: string) => Date.parse(text);
const NOW = at('2026-11-21T12:00:00Z');
const EARLIEST = at('2026-10-22T12:00:00Z');
const row = (text: string, what = 'changed', more: Partial<HistoryRow> = {}) =>
  ({ at: text, what, result: 'ok', fields: ['time'], to: null, ...more }) as HistoryRow;
const event = (id: string, start: string, since = 'same', history: string | null = null): PastEvent => ({
  appointment_id: id,
  title: id,
  start,
  end: start,
  zone: BERLIN,
  since,
  now_start: null,
  history_id: history,
});

describe('the moments of the slider', () => {
  const rows = [
    row('2026-11-20T09:00:00.400Z'),
    row('2026-11-20T09:00:00.100Z', 'added'),
    row('2026-11-18T08:00:00Z', 'deleted'),
    row('2026-11-17T08:00:00Z', 'conflict_raised'),
    row('2026-11-16T08:00:00Z', 'changed', { fields: ['notes'] }),
    row('2026-11-15T08:00:00Z', 'write_failed', { result: 'problem' }),
    row('2026-09-01T08:00:00Z', 'added'),
  ];
  const stops = moments(rows, EARLIEST, NOW);

  it('are those at which the calendar changed, each once, between the earliest and now', () => {
    expect(stops.map((s) => new Date(s).toISOString())).toEqual([
      '2026-10-22T12:00:00.000Z',
      '2026-11-18T08:00:00.000Z',
      '2026-11-20T09:00:01.000Z',
      '2026-11-21T12:00:00.000Z',
    ]);
  });

  it('count the making of an appointment, by the word the app has for it', () => {
    expect(changesCalendar(row('2026-11-18T08:00:00Z', 'created_from_event'))).toBe(true);
  });

  it('are walked one by one, and end at both ends', () => {
    expect(step(stops, NOW, -1)).toBe(stops[2]);
    expect(step(stops, stops[2] ?? 0, -1)).toBe(stops[1]);
    expect(step(stops, stops[1] ?? 0, 1)).toBe(stops[2]);
    // From somewhere between two of them, the next one either way.
    expect(step(stops, at('2026-11-19T00:00:00Z'), 1)).toBe(stops[2]);
    expect(step(stops, at('2026-11-19T00:00:00Z'), -1)).toBe(stops[1]);
    expect(step(stops, EARLIEST, -1)).toBe(EARLIEST);
    expect(step(stops, NOW, 1)).toBe(NOW);
  });

  it('catch the hand', () => {
    expect(nearest(stops, at('2026-11-18T20:00:00Z'))).toBe(stops[1]);
    expect(nearest(stops, at('2026-11-20T00:00:00Z'))).toBe(stops[2]);
    expect(nearest(stops, 0)).toBe(EARLIEST);
    expect(nearest(stops, NOW * 2)).toBe(NOW);
  });

  it('take a day to its last change, and a quiet day to its own evening', () => {
    expect(momentOfDay(stops, at('2026-11-19T23:00:00Z'), at('2026-11-20T23:00:00Z'))).toBe(stops[2]);
    expect(momentOfDay(stops, at('2026-11-18T23:00:00Z'), at('2026-11-19T23:00:00Z'))).toBe(at('2026-11-19T22:59:59Z'));
    expect(momentOfDay(stops, at('2026-10-20T22:00:00Z'), at('2026-10-21T22:00:00Z'))).toBe(EARLIEST);
  });

  it('are counted by day without the two ends', () => {
    expect([...changesPerDay(stops, BERLIN)]).toEqual([
      ['2026-11-18', 1],
      ['2026-11-20', 1],
    ]);
  });

  it('stand in the address, and nonsense or the future mean now', () => {
    expect(readMoment(writeMoment(stops[2] ?? 0), NOW)).toBe(stops[2]);
    for (const text of [null, '', 'tomorrow', '2027-01-01T00:00:00Z']) expect(readMoment(text, NOW)).toBeUndefined();
  });
});

describe('the calendar then', () => {
  const events = [
    event('a', '2026-11-25T23:30:00Z', 'moved', 'h1'),
    event('b', '2026-11-24T09:00:00Z'),
    event('c', '2026-11-24T08:00:00Z', 'gone', 'h2'),
    event('d', '2026-12-08T08:00:00Z', 'gone', 'h2'),
    event('e', '2026-12-08T09:00:00Z', 'gone'),
    event('f', '2026-12-09T09:00:00Z', 'something_new', 'h9'),
  ];
  const days = byDay(events, BERLIN);

  it('puts events on the day of the zone, by time', () => {
    expect(days.get('2026-11-24')?.map((e) => e.appointment_id)).toEqual(['c', 'b']);
    expect(days.get('2026-11-26')?.map((e) => e.appointment_id)).toEqual(['a']);
    expect(weekOf(days, '2026-11-23').map((d) => d.events.length)).toEqual([0, 2, 0, 1, 0, 0, 0]);
  });

  it('begins with a week that holds something', () => {
    expect(firstWeek(days, '2026-11-26')).toBe('2026-11-23');
    expect(firstWeek(days, '2026-11-10')).toBe('2026-11-23');
    expect(firstWeek(days, '2027-01-05')).toBe('2027-01-04');
  });

  it('brings back each line once, and only what differs', () => {
    expect(restorable(events)).toEqual(['h1', 'h2']);
    expect(differingDays(days).map((d) => [d.day, d.events.length])).toEqual([
      ['2026-11-24', 1],
      ['2026-11-26', 1],
      ['2026-12-08', 2],
    ]);
  });
});
