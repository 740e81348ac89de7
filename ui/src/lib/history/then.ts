import type { HistoryRow, PastEvent } from '$lib/bindings';
import { addDays, dayKey } from '$lib/i18n/time';
import { mondayOf } from './days';

/** What leaves the calendar different from before. */
const CHANGES = new Set([
  'added',
  'changed',
  'deleted',
  'adopted',
  'moved_back',
  'merged',
  'removed_in_calendar',
  'put_back',
  'restored',
  'undone',
  'created_from_event',
]);

export const changesCalendar = (row: HistoryRow): boolean =>
  row.result === 'ok' && CHANGES.has(row.what) && (row.what !== 'changed' || !!row.to || row.fields.includes('time'));

/** The moments of the slider, oldest first: each at which something changed, the earliest that is known, and now. */
export function moments(rows: readonly HistoryRow[], earliestMs: number, nowMs: number): number[] {
  const found = new Set<number>([earliestMs, nowMs]);
  for (const row of rows) {
    const at = Date.parse(row.at);
    // To the second: what one run wrote at once is one step, not twenty.
    if (changesCalendar(row)) found.add(Math.min(nowMs, Math.max(earliestMs, Math.ceil(at / 1000) * 1000)));
  }
  return [...found].sort((a, b) => a - b);
}

/** Index of the first stop that is not before `at`. */
function lower(stops: readonly number[], at: number): number {
  let [low, high] = [0, stops.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((stops[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The stop nearest to where the hand is. */
export function nearest(stops: readonly number[], at: number): number {
  const i = lower(stops, at);
  const [before, after] = [stops[i - 1], stops[i]];
  if (before === undefined) return after ?? at;
  if (after === undefined) return before;
  return at - before < after - at ? before : after;
}

export function step(stops: readonly number[], at: number, by: -1 | 1): number {
  const i = lower(stops, at);
  if (by < 0) return stops[i - 1] ?? stops[0] ?? at;
  return stops[stops[i] === at ? i + 1 : i] ?? stops.at(-1) ?? at;
}

/** How the calendar stood when a day was over: its last change, else its last second. */
export function momentOfDay(stops: readonly number[], fromMs: number, untilMs: number): number {
  const [first, last] = [stops[0] ?? fromMs, stops.at(-1) ?? untilMs];
  const found = stops[lower(stops, untilMs) - 1];
  const at = found !== undefined && found >= fromMs ? found : untilMs - 1000;
  return Math.min(last, Math.max(first, at));
}

export function changesPerDay(stops: readonly number[], zone: string): Map<string, number> {
  const found = new Map<string, number>();
  // The first and the last are the ends of the slider, not changes.
  for (const at of stops.slice(1, -1)) {
    const day = dayKey(at, zone);
    found.set(day, (found.get(day) ?? 0) + 1);
  }
  return found;
}

export type Since = 'same' | 'moved' | 'gone';
export const sinceOf = (event: PastEvent): Since =>
  event.since === 'moved' || event.since === 'gone' ? event.since : 'same';
export const differs = (event: PastEvent): boolean => sinceOf(event) !== 'same';

/** History lines whose restoring brings these events back, each once. */
export const restorable = (events: readonly PastEvent[]): string[] => [
  ...new Set(events.filter(differs).flatMap((e) => (e.history_id ? [e.history_id] : []))),
];

export type ThenDay = { day: string; events: PastEvent[] };

/** Events by the day on which they began. */
export function byDay(events: readonly PastEvent[], zone: string): Map<string, PastEvent[]> {
  const found = new Map<string, PastEvent[]>();
  for (const event of events) {
    const day = dayKey(event.start, zone);
    const list = found.get(day);
    if (list) list.push(event);
    else found.set(day, [event]);
  }
  for (const list of found.values()) list.sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
  return found;
}

/** The seven days of a week, each with its events. */
export const weekOf = (days: Map<string, PastEvent[]>, monday: string): ThenDay[] =>
  Array.from({ length: 7 }, (_, i) => {
    const day = addDays(monday, i);
    return { day, events: days.get(day) ?? [] };
  });

/** The week to begin with: the one of that day, or the next one that holds anything. */
export function firstWeek(days: Map<string, PastEvent[]>, day: string): string {
  const own = mondayOf(day);
  if (weekOf(days, own).some((d) => d.events.length)) return own;
  const next = [...days.keys()].filter((d) => d > day).sort()[0];
  return next ? mondayOf(next) : own;
}

/** Every day that holds a difference, in order. */
export const differingDays = (days: Map<string, PastEvent[]>): ThenDay[] =>
  [...days]
    .map(([day, events]) => ({ day, events: events.filter(differs) }))
    .filter((d) => d.events.length > 0)
    .sort((a, b) => a.day.localeCompare(b.day));

/** The address keeps the moment to the second; what is no moment means now. */
export function readMoment(text: string | null, nowMs: number): number | undefined {
  const at = text ? Date.parse(text) : NaN;
  return Number.isNaN(at) || at >= nowMs ? undefined : at;
}
export const writeMoment = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
