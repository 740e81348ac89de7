import type { AppointmentRow, Badge } from '$lib/bindings';
import { dayKey } from '$lib/i18n/time';

export type AgendaItem =
  | { kind: 'day'; key: string; day: string; count: number }
  | { kind: 'row'; key: string; row: AppointmentRow; position: number };

/** Lower case and without accents, so that "baren" finds "Bären". */
export const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** What is searched, worked out once per list and not per key press. */
export const searchable = (rows: AppointmentRow[]): string[] =>
  rows.map((r) => plain(`${r.title} ${r.location ?? ''} ${r.kind}`));

export function filterRows(
  rows: AppointmentRow[],
  texts: string[],
  query: string,
  badge: Badge | null,
): AppointmentRow[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  return rows.filter((row, i) => (!badge || row.badge === badge) && words.every((word) => texts[i]?.includes(word)));
}

/** Rows by day, with a head for each day, as one flat list. */
export function agenda(rows: AppointmentRow[], zone: string): AgendaItem[] {
  const items: AgendaItem[] = [];
  let head: Extract<AgendaItem, { kind: 'day' }> | undefined;
  rows.forEach((row, position) => {
    const day = dayKey(row.start, zone);
    if (head?.day !== day) {
      head = { kind: 'day', key: `day-${day}`, day, count: 0 };
      items.push(head);
    }
    head.count += 1;
    items.push({ kind: 'row', key: row.id, row, position });
  });
  return items;
}

export function counts(rows: AppointmentRow[]): Map<Badge, number> {
  const found = new Map<Badge, number>();
  for (const { badge } of rows) found.set(badge, (found.get(badge) ?? 0) + 1);
  return found;
}
