import { describe, expect, it } from 'vitest';
import { appointment } from '../../mock/data';
import { index } from './filter';
import { clockChange, dayStart } from './travel';
import { dayOrNone, lanes, monday, neighbour, walk, weekendFree, weekNumber, weekOf, type Block } from './week';

const ZONE = 'Europe/Berlin';
const row = (n: number, start: string, minutes: number) => appointment(n, Date.parse(start), minutes);
const week = (anchor: string, ...rows: ReturnType<typeof row>[]) => weekOf(index(rows, ZONE).values(), anchor, ZONE);
const block = (id: string, from: number, to: number): Block => ({
  key: id,
  row: { ...row(0, '2026-11-23T08:00:00Z', 60), id },
  day: '2026-11-23',
  from,
  to,
  lane: 0,
  wide: 1,
  lanes: 1,
  before: false,
  after: false,
  whole: false,
});
const laid = (...blocks: Block[]) =>
  Object.fromEntries(lanes(blocks).map((b) => [b.key, `${b.lane}+${b.wide}/${b.lanes}`]));

describe('overlapping', () => {
  it('leaves a lone one the whole width, also beside a full group', () => {
    expect(laid(block('a', 9, 10), block('b', 9.5, 10.5), block('c', 11, 12))).toEqual({
      a: '0+1/2',
      b: '1+1/2',
      c: '0+1/1',
    });
  });

  it('uses a lane again once it is free, and spreads where room is left', () => {
    expect(laid(block('a', 9, 12), block('b', 9, 10), block('c', 9, 9.5), block('d', 10.5, 11))).toEqual({
      a: '0+1/3',
      b: '1+1/3',
      c: '2+1/3',
      d: '1+2/3',
    });
  });

  it('does not call neighbours overlapping', () => {
    expect(laid(block('a', 9, 10), block('b', 10, 11))).toEqual({ a: '0+1/1', b: '0+1/1' });
  });

  it('never puts two that are seen at once into one place', () => {
    let seed = 5;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const blocks = Array.from({ length: 60 }, (_, i) => {
      const from = Math.floor(random() * 40) / 4 + 7;
      return block(`b${i}`, from, from + 0.5 + Math.floor(random() * 8) / 4);
    });
    const placed = lanes(blocks);
    for (const a of placed)
      for (const b of placed)
        if (a !== b && a.from < b.to && b.from < a.to)
          expect(a.lane + a.wide <= b.lane || b.lane + b.wide <= a.lane, `${a.key} ${b.key}`).toBe(true);
  });
});

describe('week', () => {
  it('knows its Monday and its number', () => {
    expect(monday('2026-11-22')).toBe('2026-11-16');
    expect(monday('2026-11-23')).toBe('2026-11-23');
    expect(weekNumber('2026-11-23')).toBe(48);
    expect(weekNumber('2027-01-01')).toBe(53);
    expect(weekNumber('2026-01-01')).toBe(1);
  });

  it('takes a day from an address only if it is one', () => {
    expect(dayOrNone('2026-11-23')).toBe('2026-11-23');
    for (const bad of [null, '', '2026-02-31', '2026-13-01', 'x', '2026-1-1']) expect(dayOrNone(bad)).toBeUndefined();
  });

  it('shows 7 to 19, and more where there is more', () => {
    expect(week('2026-11-23')).toMatchObject({ fromHour: 7, toHour: 19, count: 0 });
    const early = week('2026-11-23', row(0, '2026-11-24T04:30:00Z', 30), row(1, '2026-11-24T19:15:00Z', 60));
    expect(early).toMatchObject({ fromHour: 5, toHour: 22, count: 2 });
  });

  it('folds the weekend only where it is free', () => {
    expect(weekendFree(week('2026-11-23', row(0, '2026-11-24T09:00:00Z', 60)))).toBe(true);
    expect(weekendFree(week('2026-11-23', row(0, '2026-11-28T09:00:00Z', 60)))).toBe(false);
  });

  it('gives a very short one a height that can be hit', () => {
    const found = week('2026-11-23', row(0, '2026-11-24T09:00:00Z', 5), row(1, '2026-11-24T09:00:00Z', 0));
    expect(walk(found.days[1] as never).map((b) => b.to - b.from)).toEqual([0.5, 0.5]);
  });

  it('carries one over midnight into both days', () => {
    const found = week('2026-11-23', row(0, '2026-11-24T21:00:00Z', 11 * 60));
    const [before, after] = [found.days[1]?.blocks[0], found.days[2]?.blocks[0]];
    expect(before).toMatchObject({ from: 22, to: 24, before: false, after: true });
    expect(after).toMatchObject({ from: 0, to: 9, before: true, after: false });
    expect(found.count).toBe(1);
  });

  it('does not open the night for one that ends in it', () => {
    const found = week('2026-11-23', row(0, '2026-11-24T21:00:00Z', 240));
    expect(found).toMatchObject({ fromHour: 7, toHour: 24, wholeLanes: 1 });
    expect(found.days[2]?.blocks).toEqual([]);
    expect(found.days[2]?.whole[0]).toMatchObject({ to: 2, ends: true });
  });

  it('puts whole days above the hours, each on its own line', () => {
    const found = week(
      '2026-11-23',
      row(0, '2026-11-23T23:00:00Z', 3 * 24 * 60),
      row(1, '2026-11-24T23:00:00Z', 24 * 60),
    );
    expect(found.days.map((d) => d.whole.length)).toEqual([0, 1, 2, 1, 0, 0, 0]);
    expect(found.days[2]?.whole.map((b) => b.lane)).toEqual([0, 1]);
    expect(found.wholeLanes).toBe(2);
    expect(found.fromHour).toBe(7);
  });

  it('draws one with an end before its start, instead of losing it', () => {
    const odd = { ...row(0, '2026-11-24T09:00:00Z', 60), end: '2026-11-24T07:00:00Z' };
    expect(weekOf(index([odd], ZONE).values(), '2026-11-23', ZONE).days[1]?.blocks).toHaveLength(1);
  });
});

describe('days when the clocks change', () => {
  it('knows 25 and 23 hours', () => {
    expect(clockChange('2026-10-25', ZONE)).toBe(1);
    expect(clockChange('2027-03-28', ZONE)).toBe(-1);
    expect(clockChange('2026-11-24', ZONE)).toBe(0);
    expect(clockChange('2026-10-04', 'Australia/Lord_Howe')).toBe(-0.5);
  });

  it('finds the beginning of a day whose midnight is skipped', () => {
    // Beirut goes from 0:00 to 1:00.
    expect(new Date(dayStart('2026-03-29', 'Asia/Beirut')).toISOString()).toBe('2026-03-28T22:00:00.000Z');
    expect(new Date(dayStart('2026-10-25', ZONE)).toISOString()).toBe('2026-10-24T22:00:00.000Z');
  });

  it('keeps an appointment at its wall-clock time on both', () => {
    const autumn = week('2026-10-25', row(0, '2026-10-24T08:00:00Z', 60), row(1, '2026-10-25T09:00:00Z', 60));
    expect(autumn.days.slice(5).map((d) => d.blocks[0]?.from)).toEqual([10, 10]);
    expect(autumn.days[6]?.band).toEqual({ from: 2, to: 3 });
    const spring = week('2027-03-28', row(0, '2027-03-27T09:00:00Z', 60), row(1, '2027-03-28T08:00:00Z', 60));
    expect(spring.days.slice(5).map((d) => d.blocks[0]?.from)).toEqual([10, 10]);
    expect(spring.days[6]?.band).toEqual({ from: 2, to: 3 });
  });

  it('shows the hour that comes twice side by side', () => {
    // 02:30 in summer time and 02:30 in winter time.
    const found = week('2026-10-25', row(0, '2026-10-25T00:30:00Z', 30), row(1, '2026-10-25T01:30:00Z', 30));
    expect(found.days[6]?.blocks.map((b) => [b.from, b.lane, b.lanes])).toEqual([
      [2.5, 0, 2],
      [2.5, 1, 2],
    ]);
  });

  it('gives one across the change its real length at least', () => {
    // 02:45 summer time to 02:15 winter time: half an hour, backwards on the clock.
    const found = week('2026-10-25', row(0, '2026-10-25T00:45:00Z', 30));
    const only = found.days[6]?.blocks[0] as Block;
    expect(only.from).toBe(2.75);
    expect(only.to).toBeCloseTo(3.25);
  });
});

describe('walking by arrows', () => {
  const found = week(
    '2026-11-23',
    row(0, '2026-11-23T08:00:00Z', 60),
    row(1, '2026-11-23T13:00:00Z', 60),
    row(2, '2026-11-25T12:30:00Z', 60),
    row(3, '2026-11-25T07:00:00Z', 60),
  );
  const to = (id: string, day: string, way: 'up' | 'down' | 'before' | 'after') =>
    neighbour(found.days, `${id}@${day}`, way)?.row.id;

  it('goes down a day, and sideways to the nearest time', () => {
    expect(to('apt_1', '2026-11-23', 'down')).toBe('apt_2');
    expect(to('apt_2', '2026-11-23', 'down')).toBeUndefined();
    expect(to('apt_2', '2026-11-23', 'after')).toBe('apt_3');
    expect(to('apt_1', '2026-11-23', 'after')).toBe('apt_4');
    expect(to('apt_3', '2026-11-25', 'before')).toBe('apt_2');
    expect(to('apt_3', '2026-11-25', 'after')).toBeUndefined();
  });
});
