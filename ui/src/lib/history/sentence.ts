import type { HistoryRow, ValueView } from '$lib/bindings';
import { clock, dayKey, list, moment, plainDay } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';
import { isStandIn } from './marked';

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
  create: () => m.hx_choice_create(),
  dismiss: () => m.hx_choice_dismiss(),
};

const FAILED: Record<string, (p: { title: string; calendar: string; platform: string }) => string> = {
  insert: (p) => m.hx_h_failed_insert(p),
  patch: (p) => m.hx_h_failed_patch(p),
  delete: (p) => m.hx_h_failed_delete(p),
  move: (p) => m.hx_h_failed_move(p),
  notes: (p) => m.hx_h_failed_notes(p),
  create: (p) => m.hx_h_failed_create(p),
};

/** Why it was asked, by the kind of the conflict; for differing texts, and for a kind of a newer app, both sides differ. */
const RAISED: Record<string, (p: { title: string; platform: string }) => string> = {
  time_change: (p) => m.hx_h_raised_time(p),
  created_externally: (p) => m.hx_h_raised_created(p),
  refused: (p) => m.hx_h_raised_refused(p),
  unusual_move: (p) => m.hx_h_raised_unusual(p),
  deleted: (p) => m.hx_h_raised_deleted(p),
};

/** Why an event went, by Rust's word; where there is nothing to say but that it went, that. */
export const DELETED: Record<string, (p: { title: string; calendar: string }) => string> = {
  cancelled: (p) => m.h_deleted_cancelled(p),
  deleted: (p) => m.h_deleted_cancelled(p),
  unassigned: (p) => m.h_deleted_unassigned(p),
  left_out: (p) => m.h_deleted_filter(p),
  duplicate: (p) => m.h_deleted(p),
  asked: (p) => m.h_deleted(p),
};

const LONGEST = 120;
// Letters that run from right to left, and signs that change the direction of what follows them.
const TURNS = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]/;

// The ends of an isolate, and of a paragraph: one inside a title would end the isolate that we put around it.
const ENDS = /[\u2066-\u2069]/g;
const PARAGRAPHS = /[\s\p{Cc}]+/gu;

/**
 * A title inside a sentence. It comes from outside: one that is as long as a letter is cut, one that has nothing to see
 * gets a word, and one that turns the direction of writing cannot turn the words around it.
 */
export function titleWord(title: string | null): string {
  if (!title || !/[^\s\p{Cf}\p{Cc}]/u.test(title)) return m.h_thing();
  const line = title.replace(ENDS, '').replace(PARAGRAPHS, ' ').trim();
  const signs = line.length > LONGEST ? Array.from(line.slice(0, LONGEST * 4)) : undefined;
  const cut = signs && signs.length > LONGEST ? `${signs.slice(0, LONGEST).join('')}…` : line;
  return TURNS.test(cut) ? `\u2068${cut}\u2069` : cut;
}

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

/** What was refused were notes, not a move. */
export const ofNotes = (row: HistoryRow): boolean => row.fields.includes('notes') && !row.fields.includes('time');

const serviceName = (word: string | null, platform: string): string =>
  word === 'google' ? m.google_calendar() : platform;

/** What happened, as one sentence. */
export function sentence(row: HistoryRow, c: Context): string {
  const title = titleWord(row.title);
  const calendar = m.google_calendar();
  const { platform } = c;
  const times = fromTo(row, c);
  const at = when(row.to, c);
  const before = when(row.from, c);
  switch (row.what) {
    case 'added':
      return at ? m.h_added_at({ title, calendar, to: at }) : m.h_added({ title, calendar });
    case 'changed':
      if (times) return m.h_moved({ title, calendar, ...times });
      return row.fields.length
        ? m.h_changed_fields({ title, calendar, fields: list(row.fields.map(fieldWord)) })
        : m.h_changed({ title, calendar });
    case 'deleted': {
      const said = DELETED[row.word ?? '']?.({ title, calendar }) ?? m.h_deleted({ title, calendar });
      return row.edit_lost ? `${said} ${m.h_deleted_edit()}` : said;
    }
    case 'adopted':
      return m.h_adopted({ title, calendar });
    case 'moved_back':
      return times ? m.h_moved_back_times({ title, platform, ...times }) : m.h_moved_back({ title, platform });
    case 'notes_back':
      return m.h_notes_back({ title, platform });
    case 'refused':
      if (isStandIn(row.appointment_id)) return m.hx_h_refused_create({ title, platform });
      return ofNotes(row) ? m.h_refused_notes({ title, platform }) : m.h_refused({ title, platform });
    case 'removed_in_calendar':
      return m.h_removed_in_calendar({ title, calendar });
    case 'changed_since_removed':
      return m.h_changed_since_removed({ title });
    case 'put_back':
      return m.h_put_back({ title, calendar });
    case 'conflict_raised':
      if (row.word === 'refused' && ofNotes(row)) return m.hx_h_raised_refused_notes({ title, platform });
      return RAISED[row.word ?? '']?.({ title, platform }) ?? m.h_conflict_raised({ title });
    case 'conflict_resolved': {
      const choice = row.word ? CHOICES[row.word]?.({ platform }) : undefined;
      if (choice && row.detail === 'by_policy') return m.h_conflict_by_policy({ title, choice });
      return choice ? m.h_conflict_resolved({ title, choice }) : m.h_conflict_resolved_plain({ title });
    }
    case 'held':
      return m.pn_h_held({ title, calendar });
    case 'held_answered':
      return row.word === 'go_on' ? m.pn_h_removed({ title }) : m.pn_h_kept({ title, calendar });
    case 'merged':
      return m.h_merged({ title });
    case 'overtaken':
      return before ? m.h_overtaken_at({ title, from: before }) : m.h_overtaken({ title });
    case 'asked':
      return m.h_asked({ count: row.count ?? 1 });
    case 'answered':
      return m.h_answered();
    case 'connected':
      return m.h_connected({ service: serviceName(row.word, platform) });
    case 'disconnected':
      return m.h_disconnected({ service: serviceName(row.word, platform) });
    case 'write_failed':
      return FAILED[row.word ?? '']?.({ title, calendar, platform }) ?? m.h_write_failed({ title });
    case 'undone':
      return times ? m.hx_h_undone_times({ title, ...times }) : m.hx_h_undone({ title });
    case 'restored':
      return times ? m.hx_h_restored_times({ title, ...times }) : m.hx_h_restored({ title });
    case 'created_from_event':
      return at ? m.hx_h_created_at({ title, platform, to: at }) : m.hx_h_created({ title, platform });
    case 'unreadable':
      return m.h_unreadable({ title });
    case 'rebuilt':
      return m.h_rebuilt({ count: row.count ?? 0 });
    case 'silence_began':
      return m.h_silence_began({ service: serviceName(row.word, platform) });
    case 'silence_ended':
      return m.h_silence_ended({ service: serviceName(row.word, platform), count: row.count ?? 0 });
    case 'reading_shrank':
      return m.h_reading_shrank();
    default:
      return row.title ? m.h_other({ title }) : m.hx_h_other_plain();
  }
}
