import type { AppointmentRow, Badge } from '$lib/bindings';
import { BADGES } from './badges';
import { daysIn } from './travel';

/** One row with what is asked of it again and again, worked out once per list and not per key press. */
export type Indexed = { row: AppointmentRow; text: string; day: string; client: string | null; inCalendar: boolean };

export type Filters = {
  query: string;
  badge: Badge | null;
  kind: string | null;
  client: string | null;
  /** `in` or `out` of the calendar. */
  calendar: 'in' | 'out' | null;
};

export type AgendaItem =
  | { kind: 'day'; key: string; day: string; count: number }
  | { kind: 'row'; key: string; row: AppointmentRow; position: number };

export const NO_FILTERS: Filters = { query: '', badge: null, kind: null, client: null, calendar: null };

/** Characters that are seen by nobody but would keep a word from being found. */
const UNSEEN = /[\p{M}\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu;

/** Lower case, without accents, ß as ss: "baren" finds "Bären", "strasse" finds "Straße". */
export const plain = (text: string): string =>
  text.normalize('NFKD').replace(UNSEEN, '').toLowerCase().replaceAll('ß', 'ss');

/** More of a title than anybody types; a hostile one of megabytes must not slow each key press. */
const SEARCHED = 2_000;

/** Its event is in the calendar now, whatever is waiting to be written to it. */
export const inCalendar = (row: AppointmentRow): boolean =>
  row.badge === 'synced' ||
  (row.badge === 'left_out' ? row.reason === 'kept' : row.badge !== 'removed' && row.has_event);

/** The index of a list; what did not change since `before` is taken over. */
export function index(rows: AppointmentRow[], zone: string, before?: Map<string, Indexed>): Map<string, Indexed> {
  const made = new Map<string, Indexed>();
  const dayOf = daysIn(zone);
  for (const row of rows) {
    const known = before?.get(row.id);
    made.set(
      row.id,
      known?.row === row
        ? known
        : {
            row,
            text: plain(
              [row.title, row.location ?? '', row.kind, row.client ?? ''].map((t) => t.slice(0, SEARCHED)).join(' '),
            ),
            day: dayOf(row.start),
            client: row.client,
            inCalendar: inCalendar(row),
          },
    );
  }
  return made;
}

export function find(all: Iterable<Indexed>, filters: Filters): Indexed[] {
  const words = plain(filters.query).split(/\s+/).filter(Boolean);
  const { badge, kind, client, calendar } = filters;
  const wanted = calendar && calendar === 'in';
  const found: Indexed[] = [];
  for (const item of all)
    if (
      (!badge || item.row.badge === badge) &&
      (!kind || item.row.kind === kind) &&
      (!client || item.client === client) &&
      (calendar === null || item.inCalendar === wanted) &&
      words.every((word) => item.text.includes(word))
    )
      found.push(item);
  return found;
}

/** Rows by day, with a head for each day, as one flat list. */
export function agenda(found: Indexed[]): AgendaItem[] {
  const items: AgendaItem[] = [];
  let head: Extract<AgendaItem, { kind: 'day' }> | undefined;
  found.forEach(({ row, day }, position) => {
    if (head?.day !== day) {
      head = { kind: 'day', key: `day-${day}`, day, count: 0 };
      items.push(head);
    }
    head.count += 1;
    items.push({ kind: 'row', key: row.id, row, position });
  });
  return items;
}

/** How many of each, for the chips and choices. */
export function tally<K>(all: Iterable<Indexed>, key: (item: Indexed) => K | null): Map<K, number> {
  const counted = new Map<K, number>();
  for (const item of all) {
    const k = key(item);
    if (k !== null) counted.set(k, (counted.get(k) ?? 0) + 1);
  }
  return counted;
}

/** The filters as the address holds them; what it does not know is no filter. */
export function filtersOf(query: URLSearchParams): Filters {
  const calendar = query.get('calendar');
  return {
    query: query.get('q') ?? '',
    badge: BADGES.find((b) => b === query.get('state')) ?? null,
    kind: query.get('type') || null,
    client: query.get('client') || null,
    calendar: calendar === 'in' || calendar === 'out' ? calendar : null,
  };
}

export type FilterName = 'q' | 'state' | 'type' | 'client' | 'calendar';

export const setFilters = (filters: Filters): FilterName[] => [
  ...(filters.query.trim() ? (['q'] as const) : []),
  ...(filters.badge ? (['state'] as const) : []),
  ...(filters.kind ? (['type'] as const) : []),
  ...(filters.client ? (['client'] as const) : []),
  ...(filters.calendar ? (['calendar'] as const) : []),
];

const WITHOUT: Record<FilterName, Partial<Filters>> = {
  q: { query: '' },
  state: { badge: null },
  type: { kind: null },
  client: { client: null },
  calendar: { calendar: null },
};

/** Which single filter, taken away, would show how many: the answer to "which one hides it?". */
export function culprits(all: Iterable<Indexed>, filters: Filters): { name: FilterName; shows: number }[] {
  const list = [...all];
  return setFilters(filters)
    .map((name) => ({ name, shows: find(list, { ...filters, ...WITHOUT[name] }).length }))
    .filter(({ shows }) => shows > 0)
    .sort((a, b) => b.shows - a.shows);
}
