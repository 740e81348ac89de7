import { wallMs } from '$lib/appointments/travel';
import type { AppointmentRow, GlanceDay } from '$lib/bindings';
import { addDays, dayKey } from '$lib/i18n/time';

export type WeekItem = { row: AppointmentRow; top: number; height: number; lane: number; lanes: number };
/** `count` may be more than the items: a crowded day shows only its first. */
export type WeekDay = { key: string; today: boolean; count: number; items: WeekItem[] };
export type Week = { days: WeekDay[]; fromHour: number; toHour: number };

/** Hours since midnight on that zone's wall clock: on DST days an appointment stays where the clock shows it. */
const wallHour = (at: string, zone: string): number =>
  ((wallMs(Date.parse(at), zone) ?? Date.parse(at)) % 86_400_000) / 3_600_000;

/** The next seven days, from today, with their appointments as places in a small grid. */
export function week(told: GlanceDay[], zone: string, nowMs: number, length = 7): Week {
  const today = dayKey(nowMs, zone);
  let fromHour = 8;
  let toHour = 18;
  const days = Array.from({ length }, (_, i) => {
    const key = addDays(today, i);
    const { rows, count } = told.find((one) => one.day === key) ?? { rows: [], count: 0 };
    const items = rows.map((row) => {
      const from = wallHour(row.start, zone);
      const hours = (Date.parse(row.end) - Date.parse(row.start)) / 3_600_000;
      const to = Math.min(24, from + Math.max(0.5, hours));
      fromHour = Math.min(fromHour, Math.floor(from));
      toHour = Math.max(toHour, Math.ceil(to));
      return { row, from, to };
    });
    return { key, count, items };
  });
  const span = toHour - fromHour;
  return {
    fromHour,
    toHour,
    days: days.map(({ key, count, items }) => ({
      key,
      today: key === today,
      count,
      items: lanes(items, fromHour, span),
    })),
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
