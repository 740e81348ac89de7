import type { HistoryQuery } from '$lib/bindings';
import { addDays, dayKey, plainDay } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';
import { isDay, startOfDay } from './days';

export const RESULTS = ['ok', 'waiting', 'problem'] as const;
export const SOURCES = ['you', 'platform', 'roundtrip'] as const;
export const RANGES = ['today', '7d', '30d'] as const;

/** What the list is narrowed to. It lives in the address, so that "back" and a link bring it again. */
export type Filters = {
  result: (typeof RESULTS)[number] | null;
  source: (typeof SOURCES)[number] | null;
  appointment: string | null;
  run: string | null;
  range: (typeof RANGES)[number] | null;
  /** First and last day, for a range of one's own. */
  from: string | null;
  to: string | null;
};

/** One filter as people see it; the time is one, whichever way it was said. */
export type FilterName = 'result' | 'source' | 'appointment' | 'run' | 'time';
export type Address = Record<string, string | undefined>;

const one = <T extends string>(all: readonly T[], wanted: string | null): T | null =>
  all.find((x) => x === wanted) ?? null;

/** Reads the address; what is not understood filters nothing. */
export function readFilters(query: URLSearchParams): Filters {
  const range = one(RANGES, query.get('range'));
  const [from, to] = [query.get('from'), query.get('to')];
  return {
    result: one(RESULTS, query.get('result')),
    source: one(SOURCES, query.get('source')),
    appointment: query.get('appointment') || null,
    run: query.get('run') || null,
    range,
    from: !range && isDay(from) ? from : null,
    to: !range && isDay(to) ? to : null,
  };
}

/** The address of these filters; `undefined` takes a part out. */
export const writeFilters = (f: Filters): Address => ({
  result: f.result ?? undefined,
  source: f.source ?? undefined,
  appointment: f.appointment ?? undefined,
  run: f.run ?? undefined,
  range: f.range ?? undefined,
  from: f.from ?? undefined,
  to: f.to ?? undefined,
});

export const active = (f: Filters): FilterName[] => [
  ...(f.result ? (['result'] as const) : []),
  ...(f.source ? (['source'] as const) : []),
  ...(f.range || f.from || f.to ? (['time'] as const) : []),
  ...(f.appointment ? (['appointment'] as const) : []),
  ...(f.run ? (['run'] as const) : []),
];

export function without(f: Filters, name: FilterName): Filters {
  if (name === 'time') return { ...f, range: null, from: null, to: null };
  return { ...f, [name]: null };
}

/** The last day lies before the first: nothing can match, and the fields say so. */
export const backwards = (f: Filters): boolean => !!f.from && !!f.to && f.to < f.from;

/** What the app is asked. Whole days only, so that the question stays the same while the clock goes on. */
export function asQuery(f: Filters, nowMs: number, zone: string): Partial<HistoryQuery> {
  const today = dayKey(nowMs, zone);
  const first =
    f.range === 'today'
      ? today
      : f.range === '7d'
        ? addDays(today, -6)
        : f.range === '30d'
          ? addDays(today, -29)
          : f.from;
  const at = (day: string) => new Date(startOfDay(day, zone)).toISOString();
  return {
    result: f.result,
    source: f.source,
    appointment_id: f.appointment,
    run_id: f.run,
    since: first ? at(first) : null,
    before: f.to ? at(addDays(f.to, 1)) : null,
  };
}

const RESULT_WORDS = { ok: m.hi_filter_ok, waiting: m.hi_filter_waiting, problem: m.hi_filter_problem };
export const resultWord = (result: (typeof RESULTS)[number]): string => RESULT_WORDS[result]();

export const sourceWord = (source: (typeof SOURCES)[number], platform: string): string =>
  source === 'you' ? m.hx_source_you() : source === 'platform' ? platform : m.hi_source_roundtrip();

const RANGE_WORDS = { today: m.hx_range_today, '7d': m.hx_range_7d, '30d': m.hx_range_30d };
export const rangeWord = (range: (typeof RANGES)[number]): string => RANGE_WORDS[range]();

/** The time of the list in words. */
export function timeWords(f: Filters): string {
  if (f.range) return rangeWord(f.range);
  if (f.from && f.to) return m.hx_range_between({ from: plainDay(f.from), to: plainDay(f.to) });
  if (f.from) return m.hx_range_from({ from: plainDay(f.from) });
  return f.to ? m.hx_range_to({ to: plainDay(f.to) }) : m.hx_range_all();
}
