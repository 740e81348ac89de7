import { m } from '$lib/paraglide/messages';
import { intlLocale } from './locale.svelte';

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${intlLocale()}|${zone}|${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(intlLocale(), { ...options, timeZone: known(zone) });
    formats.set(key, found);
  }
  return found;
}

// A zone name this engine does not know (newer than its data) must not take the window down.
const zones = new Map<string, string | undefined>();
function known(zone: string): string | undefined {
  if (!zones.has(zone)) {
    let usable: string | undefined;
    try {
      usable = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
    } catch {
      usable = undefined;
    }
    zones.set(zone, usable);
  }
  return zones.get(zone);
}

const ms = (at: string | number): number => (typeof at === 'number' ? at : Date.parse(at));

// "09:00" where the day has 24 hours, "9:00 AM" where it has twice 12.
const halfDays = new Map<string, boolean>();
function clockOptions(): Intl.DateTimeFormatOptions {
  const locale = intlLocale();
  let half = halfDays.get(locale);
  if (half === undefined) {
    half = new Intl.DateTimeFormat(locale, { hour: 'numeric' }).resolvedOptions().hour12 ?? false;
    halfDays.set(locale, half);
  }
  return { hour: half ? 'numeric' : '2-digit', minute: '2-digit' };
}

export const clock = (at: string | number, zone: string): string => format(zone, clockOptions()).format(ms(at));

/** "09:00", "9 AM": a full hour beside a grid. */
export const hourMark = (hour: number): string => {
  const full = Date.UTC(2026, 0, 1, hour % 24);
  return clockOptions().hour === '2-digit' ? clock(full, 'UTC') : format('UTC', { hour: 'numeric' }).format(full);
};

/** "09:00–10:30", "9:00 – 10:30 AM". */
export function clockRange(start: string, end: string, zone: string): string {
  const [from, to] = [clock(start, zone), clock(end, zone)];
  // Intl joins a range well where it shares its AM or PM; over midnight or the end of summer time it would add or drop too much.
  const plain = clockOptions().hour === '2-digit' || from === to || dayKey(start, zone) !== dayKey(end, zone);
  return plain ? `${from}–${to}` : format(zone, clockOptions()).formatRange(ms(start), ms(end));
}

/** `2026-11-23` in that zone: for grouping and for routes. */
export function dayKey(at: string | number, zone: string): string {
  const key = `day|${zone}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat('en-US', {
      timeZone: known(zone),
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    formats.set(key, found);
  }
  // No locale promises this order (engines differ on en-CA), so it is put together from the parts.
  const parts = found.formatToParts(ms(at));
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

/** Days between two day keys. */
export const daysBetween = (from: string, to: string): number =>
  Math.round((Date.parse(`${to}T12:00:00Z`) - Date.parse(`${from}T12:00:00Z`)) / 86_400_000);

export const addDays = (key: string, days: number): string =>
  new Date(Date.parse(`${key}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** "Mon 23 Nov"; with the year if it is another one. */
export function day(at: string | number, zone: string, nowMs: number): string {
  const other = dayKey(at, zone).slice(0, 4) !== dayKey(nowMs, zone).slice(0, 4);
  return format(zone, { weekday: 'short', day: 'numeric', month: 'short', ...(other && { year: 'numeric' }) }).format(
    ms(at),
  );
}

/** "Today", "Tomorrow", "Yesterday" or the day. */
export function dayWord(at: string | number, zone: string, nowMs: number): string {
  switch (daysBetween(dayKey(nowMs, zone), dayKey(at, zone))) {
    case 0:
      return m.today();
    case 1:
      return m.tomorrow();
    case -1:
      return m.yesterday();
    default:
      return day(at, zone, nowMs);
  }
}

/** "Monday 23 November". */
export const dayLong = (at: string | number, zone: string): string =>
  format(zone, { weekday: 'long', day: 'numeric', month: 'long' }).format(ms(at));

export const weekdayShort = (at: string | number, zone: string): string =>
  format(zone, { weekday: 'short' }).format(ms(at));
export const weekdayLong = (at: string | number, zone: string): string =>
  format(zone, { weekday: 'long' }).format(ms(at));
export const dayOfMonth = (at: string | number, zone: string): string =>
  format(zone, { day: 'numeric' }).format(ms(at));

/** "today 14:00", "Mon 23 Nov, 14:00". */
export const moment = (at: string | number, zone: string, nowMs: number): string => {
  const word = dayWord(at, zone, nowMs);
  const near = Math.abs(daysBetween(dayKey(nowMs, zone), dayKey(at, zone))) <= 1;
  // It stands inside a sentence.
  return near ? `${word.toLocaleLowerCase(intlLocale())} ${clock(at, zone)}` : `${word}, ${clock(at, zone)}`;
};

/** Exact, with seconds and zone. */
export const exact = (at: string | number, zone: string): string =>
  format(zone, {
    weekday: 'short',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  }).format(ms(at));

/** "just now" under a minute, relative under a month, the date afterwards; works forwards too ("in 13 min"). */
export function age(at: string | number, zone: string, nowMs: number): string {
  const seconds = (ms(at) - nowMs) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return seconds > 5 ? relative(Math.round(seconds), 'second') : m.just_now();
  if (size < 3_600) return relative(toward(seconds / 60), 'minute');
  if (size < 86_400) return relative(toward(seconds / 3_600), 'hour');
  if (size < 30 * 86_400) return relative(toward(seconds / 86_400), 'day');
  return day(at, zone, nowMs);
}

// "1 min ago" until two full minutes are over, as people count; ahead, "in 14 min" until 14 are left.
const toward = (n: number): number => (n < 0 ? Math.ceil(n) : Math.round(n)) || 0;

const relatives = new Map<string, Intl.RelativeTimeFormat>();
function relative(n: number, unit: Intl.RelativeTimeFormatUnit): string {
  const locale = intlLocale();
  let found = relatives.get(locale);
  if (!found) {
    found = new Intl.RelativeTimeFormat(locale, { numeric: 'always', style: 'short' });
    relatives.set(locale, found);
  }
  return found.format(n, unit);
}

/** "5 minutes", "2 hours": a length of time in its largest fitting unit. */
export function duration(lengthMs: number): string {
  const minutes = Math.max(1, Math.round(lengthMs / 60_000));
  const [n, unit] =
    lengthMs < 60_000
      ? [Math.max(1, Math.round(lengthMs / 1000)), 'second']
      : minutes < 90
        ? [minutes, 'minute']
        : minutes < 36 * 60
          ? [Math.round(minutes / 60), 'hour']
          : [Math.round(minutes / 1440), 'day'];
  return new Intl.NumberFormat(intlLocale(), { style: 'unit', unit: unit as string, unitDisplay: 'long' }).format(
    n as number,
  );
}

/** Both zones show the same wall clock at that moment, so naming the second would only be noise. */
export const sameWall = (at: string, a: string, b: string): boolean =>
  a === b || `${dayKey(at, a)} ${clock(at, a)}` === `${dayKey(at, b)} ${clock(at, b)}`;

/** "New York" for `America/New_York`. */
export const zoneName = (zone: string): string => (zone.split('/').pop() ?? zone).replaceAll('_', ' ');

/** A date without time, such as the first day of an all-day event. */
export const plainDay = (date: string): string =>
  new Intl.DateTimeFormat(intlLocale(), { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    Date.parse(`${date}T12:00:00Z`),
  );

/** "23–29 November 2026", from the first day to the last. */
export const daySpan = (first: string, last: string): string =>
  format('UTC', { day: 'numeric', month: 'long', year: 'numeric' }).formatRange(
    Date.parse(`${first}T12:00:00Z`),
    Date.parse(`${last}T12:00:00Z`),
  );

export const list = (parts: string[]): string =>
  new Intl.ListFormat(intlLocale(), { type: 'conjunction' }).format(parts);
export const listPlain = (parts: string[]): string => parts.join(' · ');
export const number = (n: number): string => new Intl.NumberFormat(intlLocale()).format(n);
