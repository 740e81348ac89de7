import { addDays, dayKey, daysBetween } from '$lib/i18n/time';

const DAY = 86_400_000;

/** The moment at which a day begins in that zone, in ms. Days of 23 and 25 hours come out right. */
export function startOfDay(day: string, zone: string): number {
  // No zone is further than 14 hours from UTC, so the first moment of the day lies between these two.
  let [before, inside] = [
    Date.parse(`${day}T00:00:00Z`) - 15 * 3_600_000,
    Date.parse(`${day}T00:00:00Z`) + 13 * 3_600_000,
  ];
  while (daysBetween(day, dayKey(inside, zone)) < 0) inside += 3_600_000;
  while (inside - before > 60_000) {
    const middle = Math.floor((before + inside) / 120_000) * 60_000;
    if (middle <= before) break;
    if (daysBetween(day, dayKey(middle, zone)) < 0) before = middle;
    else inside = middle;
  }
  return inside;
}

export const isDay = (text: string | null): text is string =>
  !!text && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T12:00:00Z`));

/** Monday of the week of a day. */
export function mondayOf(day: string): string {
  const weekday = (new Date(Date.parse(`${day}T12:00:00Z`)).getUTCDay() + 6) % 7;
  return addDays(day, -weekday);
}

/**
 * Names the day of each moment of a list that runs backwards. Asking `Intl` for each of 10,000 lines would be felt, so
 * it is asked once for each day.
 */
export function dayNamer(zone: string): (atMs: number) => string {
  let day = '';
  let from = Infinity;
  let until = -Infinity;
  return (atMs) => {
    if (atMs >= from && atMs < until) return day;
    day = dayKey(atMs, zone);
    from = startOfDay(day, zone);
    until = Math.max(atMs + 1, startOfDay(addDays(day, 1), zone));
    return day;
  };
}

export const lastDays = (count: number, nowMs: number, zone: string): string[] => {
  const today = dayKey(nowMs, zone);
  return Array.from({ length: count }, (_, i) => addDays(today, i - count + 1));
};

export { DAY };
