import type { AppointmentRow } from '$lib/bindings';
import { addDays, dayKey } from '$lib/i18n/time';

export type WeekItem = { row: AppointmentRow; top: number; height: number; lane: number; lanes: number };
export type WeekDay = { key: string; today: boolean; items: WeekItem[] };
export type Week = { days: WeekDay[]; fromHour: number; toHour: number };

/** Hours since midnight on that zone's wall clock: on DST days an appointment stays where the clock shows it. */
function wallHour(at: string, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(Date.parse(at));
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value ?? 0);
  return part('hour') + part('minute') / 60;
}

/** The next seven days, from today, with their appointments as places in a small grid. */
export function week(rows: AppointmentRow[], zone: string, nowMs: number, days = 7): Week {
  const today = dayKey(nowMs, zone);
  const keys = Array.from({ length: days }, (_, i) => addDays(today, i));
  const byDay = new Map<string, { row: AppointmentRow; from: number; to: number }[]>(keys.map((k) => [k, []]));
  let fromHour = 8;
  let toHour = 18;
  for (const row of rows) {
    const bucket = byDay.get(dayKey(row.start, zone));
    if (!bucket) continue;
    const from = wallHour(row.start, zone);
    const length = (Date.parse(row.end) - Date.parse(row.start)) / 3_600_000;
    const to = Math.min(24, from + Math.max(0.5, length));
    bucket.push({ row, from, to });
    fromHour = Math.min(fromHour, Math.floor(from));
    toHour = Math.max(toHour, Math.ceil(to));
  }
  const span = toHour - fromHour;
  return {
    fromHour,
    toHour,
    days: keys.map((key) => ({ key, today: key === today, items: lanes(byDay.get(key) ?? [], fromHour, span) })),
  };
}

function lanes(items: { row: AppointmentRow; from: number; to: number }[], fromHour: number, span: number): WeekItem[] {
  const sorted = [...items].sort((a, b) => a.from - b.from || a.to - b.to);
  const ends: number[] = [];
  const placed = sorted.map((item) => {
    let lane = ends.findIndex((end) => end <= item.from);
    if (lane < 0) lane = ends.length;
    ends[lane] = item.to;
    return { item, lane };
  });
  return placed.map(({ item, lane }) => ({
    row: item.row,
    lane,
    lanes: Math.max(1, ends.length),
    top: (item.from - fromHour) / span,
    height: (item.to - item.from) / span,
  }));
}
