import { describe, expect, it } from 'vitest';
import type { GlanceDay } from '$lib/bindings';
import { appointment, ZONE } from '../../mock/data';
import { week } from './week';

const at = (text: string) => Date.parse(text);

describe('the week of the dashboard', () => {
  const told: GlanceDay[] = [
    { day: '2026-10-24', count: 1, rows: [appointment(0, at('2026-10-24T05:00:00Z'), 60)] },
    { day: '2026-10-25', count: 50, rows: [appointment(1, at('2026-10-25T08:00:00Z'), 60)] },
    { day: '2026-10-31', count: 1, rows: [appointment(2, at('2026-10-31T18:30:00Z'), 90)] },
  ];

  it('stands where the clock shows it, also when clocks change, and counts what it does not show', () => {
    const seen = week(told, ZONE, at('2026-10-24T10:00:00Z'));
    expect(seen.days.map((d) => d.count)).toEqual([1, 50, 0, 0, 0, 0, 0]);
    expect([seen.fromHour, seen.toHour]).toEqual([7, 18]);
    expect(seen.days[0]?.items[0]?.top).toBe(0);
    expect(seen.days[1]?.items[0]?.top).toBeCloseTo(2 / 11);
  });

  it('goes on at midnight with what was told before', () => {
    const seen = week(told, ZONE, at('2026-10-24T22:30:00Z'));
    expect([seen.days[0]?.key, seen.days[0]?.today]).toEqual(['2026-10-25', true]);
    expect(seen.days[6]?.count).toBe(1);
    expect(seen.toHour).toBe(21);
  });
});
