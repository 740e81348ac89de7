import type { HistoryRow, ValueView } from '$lib/bindings';
import { clock, dayKey, list, moment, plainDay } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';

export type Context = { platform: string; zone: string; nowMs: number };

const FIELDS: Record<string, () => string> = {
  time: () => m.field_time(),
  title: () => m.field_title(),
  location: () => m.field_location(),
  notes: () => m.field_notes(),
};
export const fieldWord = (field: string): string => FIELDS[field]?.() ?? m.field_other();

const CHOICES: Record<string, (p: { platform: string }) => string> = {
  keep_platform: (p) => m.choice_keep_platform(p),
  keep_calendar: () => m.choice_keep_calendar(),
  most_recent: () => m.choice_most_recent(),
  merge: () => m.choice_merge(),
  set_time: () => m.choice_set_time(),
  stop_syncing: () => m.choice_stop_syncing(),
};

/** "Mon 23 Nov, 10:00" of a value that is a time. */
export function when(value: ValueView | null, { zone, nowMs }: Context): string | undefined {
  if (value?.kind === 'time') return moment(value.start, zone, nowMs);
  if (value?.kind === 'all_day') return `${plainDay(value.start)}, ${m.all_day()}`;
  return undefined;
}

/** From and to; the second without its day if it is the same one. */
export function fromTo(row: HistoryRow, c: Context): { from: string; to: string } | undefined {
  const from = when(row.from, c);
  let to = when(row.to, c);
  if (!from || !to) return undefined;
  if (
    row.from?.kind === 'time' &&
    row.to?.kind === 'time' &&
    dayKey(row.from.start, c.zone) === dayKey(row.to.start, c.zone)
  )
    to = clock(row.to.start, c.zone);
  return { from, to };
}

const serviceName = (word: string | null, platform: string): string =>
  word === 'google' ? m.google_calendar() : platform;

/** What happened, as one sentence. */
export function sentence(row: HistoryRow, c: Context): string {
  const title = row.title ?? m.h_thing();
  const calendar = m.google_calendar();
  const { platform } = c;
  const times = fromTo(row, c);
  const at = when(row.to, c);
  switch (row.what) {
    case 'added':
      return at ? m.h_added_at({ title, calendar, to: at }) : m.h_added({ title, calendar });
    case 'changed':
      if (times) return m.h_moved({ title, calendar, ...times });
      return row.fields.length
        ? m.h_changed_fields({ title, calendar, fields: list(row.fields.map(fieldWord)) })
        : m.h_changed({ title, calendar });
    case 'deleted':
      if (row.word === 'cancelled' || row.word === 'deleted') return m.h_deleted_cancelled({ title, calendar });
      if (row.word === 'unassigned') return m.h_deleted_unassigned({ title, calendar });
      if (row.word === 'filter' || row.word === 'left_out') return m.h_deleted_filter({ title, calendar });
      return m.h_deleted({ title, calendar });
    case 'adopted':
      return m.h_adopted({ title, calendar });
    case 'moved_back':
      return times ? m.h_moved_back_times({ title, platform, ...times }) : m.h_moved_back({ title, platform });
    case 'notes_back':
      return m.h_notes_back({ title, platform });
    case 'refused':
      return m.h_refused({ title, platform });
    case 'removed_in_calendar':
      return m.h_removed_in_calendar({ title, calendar });
    case 'changed_since_removed':
      return m.h_changed_since_removed({ title });
    case 'put_back':
      return m.h_put_back({ title, calendar });
    case 'conflict_raised':
      return m.h_conflict_raised({ title });
    case 'conflict_resolved': {
      const choice = row.word ? CHOICES[row.word]?.({ platform }) : undefined;
      if (choice && row.detail === 'by_policy') return m.h_conflict_by_policy({ title, choice });
      return choice ? m.h_conflict_resolved({ title, choice }) : m.h_conflict_resolved_plain({ title });
    }
    case 'merged':
      return m.h_merged({ title });
    case 'asked':
      return m.h_asked({ count: row.count ?? 1 });
    case 'answered':
      return m.h_answered();
    case 'connected':
      return m.h_connected({ service: serviceName(row.word, platform) });
    case 'disconnected':
      return m.h_disconnected({ service: serviceName(row.word, platform) });
    case 'write_failed':
      return m.h_write_failed({ title });
    case 'unreadable':
      return m.h_unreadable({ title });
    case 'rebuilt':
      return m.h_rebuilt({ count: row.count ?? 0 });
    case 'reading_shrank':
      return m.h_reading_shrank();
    default:
      return m.h_other({ title });
  }
}
