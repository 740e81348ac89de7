import type { ConflictView, FieldChoice, FieldView, ResolutionInput } from '$lib/bindings';
import { fieldWord, type Context } from '$lib/history/sentence';
import { m } from '$lib/paraglide/messages';
import { later, sideValue, type Choice, type SideName } from './sides';
import { refusedNotes, shortTime, timeField, valueText } from './story';
import { inSentence, titleOf } from './text';

/** What was picked so far; `null` where a part is still missing. */
export type Draft = {
  choice: Choice | null;
  merge: Record<string, SideName>;
  time: { start: string; end: string } | null;
};

export const emptyDraft = (): Draft => ({ choice: null, merge: {}, time: null });

/** What is sent, once it is complete. */
export function resolution(conflict: ConflictView, draft: Draft): ResolutionInput | null {
  switch (draft.choice) {
    case 'keep_platform':
    case 'keep_calendar':
    case 'stop_syncing':
    case 'create':
    case 'dismiss':
      return { kind: draft.choice };
    case 'most_recent':
      return later(conflict) ? { kind: 'most_recent' } : null;
    case 'merge': {
      if (conflict.fields.some((f) => !draft.merge[f.field])) return null;
      return {
        kind: 'merge',
        choices: conflict.fields.map((f) => fieldChoice(f.field, draft.merge[f.field] as SideName)),
      };
    }
    case 'set_time': {
      if (!draft.time) return null;
      // The other fields keep the side that was picked for them, or the platform's.
      const others = conflict.fields
        .filter((f) => f.field !== 'time')
        .map((f) => fieldChoice(f.field, draft.merge[f.field] ?? 'platform'));
      return { kind: 'merge', choices: [{ field: 'time', choice: 'time', ...draft.time }, ...others] };
    }
    case null:
      return null;
  }
}

const fieldChoice = (field: string, choice: SideName): FieldChoice => ({ field, choice, start: null, end: null });

export const sideName = (side: SideName, c: Context): string =>
  side === 'platform' ? c.platform : m.google_calendar();

/** The side that wins, where one does. */
export const winner = (conflict: ConflictView, choice: Choice | null): SideName | null =>
  choice === 'keep_platform'
    ? 'platform'
    : choice === 'keep_calendar'
      ? 'calendar'
      : choice === 'most_recent'
        ? later(conflict)
        : null;

/** What will happen, before it happens. */
export function consequence(conflict: ConflictView, draft: Draft, c: Context): string {
  const { platform } = c;
  switch (draft.choice) {
    case null:
      return conflict.kind === 'created_externally' ? m.dc_pick_created() : m.cf_pick_first();
    case 'keep_platform':
    case 'keep_calendar':
      return sideWins(conflict, draft.choice === 'keep_platform' ? 'platform' : 'calendar', c);
    case 'most_recent': {
      const side = later(conflict);
      if (!side) return m.dc_too_close();
      return `${m.cf_c_most_recent({ side: sideName(side, c) })} ${sideWins(conflict, side, c)}`;
    }
    case 'merge':
      return merged(conflict, draft, c);
    case 'set_time':
      return draft.time
        ? otherTime(conflict, valueText({ kind: 'time', ...draft.time, zone: c.zone }, c), platform)
        : m.dc_pick_time();
    case 'stop_syncing':
      return m.cf_c_stop();
    case 'create': {
      const time = timeField(conflict);
      return time
        ? m.dc_c_create({ platform, title: titleOf(conflict), time: shortTime(time.calendar, c) })
        : m.dc_c_create_plain({ platform, title: titleOf(conflict) });
    }
    case 'dismiss':
      return m.dc_c_dismiss();
  }
}

/** What was refused once may be refused again. */
const otherTime = (conflict: ConflictView, time: string, platform: string): string =>
  conflict.kind === 'refused' ? m.cf_c_set_time_ask({ platform, time }) : m.cf_c_set_time({ platform, time });

function sideWins(conflict: ConflictView, side: SideName, c: Context): string {
  const { platform } = c;
  const calendar = m.google_calendar();
  if (conflict.cause === 'series_cancelled')
    return side === 'platform' ? m.dc_c_series_goes({ calendar, platform }) : m.dc_c_series_stays();
  if (conflict.kind === 'deleted') return side === 'platform' ? m.cf_c_put_back() : m.cf_c_keep_removed();
  const time = timeField(conflict);
  const texts = conflict.fields.filter((f) => f.field !== 'time');
  const said: string[] = [];
  if (time && side === 'platform')
    said.push(m.cf_c_platform_time({ calendar, platform, time: shortTime(time.platform, c) }));
  if (time && side === 'calendar')
    said.push(
      conflict.kind === 'refused'
        ? m.dc_c_ask_again({ platform, time: shortTime(time.calendar, c) })
        : m.cf_c_calendar_time({ platform, time: shortTime(time.calendar, c) }),
    );
  if (texts.length && side === 'platform') said.push(m.cf_c_platform_data({ platform }));
  if (texts.length && side === 'calendar')
    said.push(refusedNotes(conflict) ? m.dc_c_ask_again_notes({ platform }) : calendarTexts(texts, platform));
  return said.join(' ');
}

/** Notes that may be edited there go to the platform; other texts stay the trainer's own wording. */
function calendarTexts(texts: FieldView[], platform: string): string {
  const told = texts.filter((f) => f.reported).length;
  if (!told) return m.cf_c_calendar_data({ platform });
  const gets = m.dc_c_calendar_notes({ platform });
  return told < texts.length ? `${gets} ${m.dc_c_calendar_rest()}` : gets;
}

function merged(conflict: ConflictView, draft: Draft, c: Context): string {
  const missing = conflict.fields.filter((f) => !draft.merge[f.field]);
  if (missing.length === conflict.fields.length) return m.dc_pick_fields();
  if (missing.length) return m.dc_pick_still({ fields: missing.map((f) => fieldWord(f.field)).join(', ') });
  const time = draft.merge.time;
  if (time === 'calendar') return m.dc_c_merge_told({ platform: c.platform });
  return conflict.fields.some((f) => f.reported && f.field !== 'time' && draft.merge[f.field] === 'calendar')
    ? m.dc_c_merge_notes({ platform: c.platform })
    : m.dc_c_merge_quiet({ calendar: m.google_calendar() });
}

export type ResultLine = { field: string; value: string; from: string };

/** How it will be afterwards, field by field; empty while a part is missing, or where nothing becomes of it. */
export function result(conflict: ConflictView, draft: Draft, c: Context): ResultLine[] {
  if (!resolution(conflict, draft) || conflict.kind === 'created_externally') return [];
  const wins = winner(conflict, draft.choice);
  if (!wins && draft.choice !== 'merge' && draft.choice !== 'set_time') return [];
  if (conflict.kind === 'deleted') return [];
  return conflict.fields.map((f) => {
    const side = wins ?? draft.merge[f.field] ?? 'platform';
    if (f.field === 'time' && draft.choice === 'set_time' && draft.time)
      return {
        field: f.field,
        value: valueText({ kind: 'time', ...draft.time, zone: c.zone }, c),
        from: m.dc_from_own(),
      };
    const value = sideValue(f, side);
    return {
      field: f.field,
      value: value.kind === 'text' ? inSentence(value.text || m.cf_empty_value(), 140) : valueText(value, c),
      from: sideName(side, c),
    };
  });
}

/** The button is named by its result. */
export function applyLabel(conflict: ConflictView, draft: Draft, c: Context): string {
  const time = timeField(conflict);
  const side = winner(conflict, draft.choice);
  if (side) {
    if (conflict.cause === 'series_cancelled')
      return side === 'platform' ? m.dc_do_series_goes() : m.dc_do_series_stays();
    if (conflict.kind === 'deleted') return side === 'platform' ? m.dc_do_put_back() : m.dc_do_leave_out();
    if (conflict.kind === 'refused' && side === 'calendar' && time)
      return m.dc_do_ask_again({ time: shortTime(time.calendar, c) });
    if (refusedNotes(conflict) && side === 'calendar') return m.dc_do_ask_again_notes();
    if (time && conflict.fields.length === 1) return m.cf_keep({ value: shortTime(sideValue(time, side), c) });
    return m.cf_keep_side({ side: sideName(side, c) });
  }
  switch (draft.choice) {
    case 'stop_syncing':
      return m.cf_stop();
    case 'merge':
      return resolution(conflict, draft) ? m.dc_do_merge() : m.cf_apply();
    case 'set_time':
      return draft.time
        ? m.cf_keep({ value: shortTime({ kind: 'time', ...draft.time, zone: c.zone }, c) })
        : m.cf_apply();
    case 'create':
      return m.dc_do_create();
    case 'dismiss':
      return m.dc_do_dismiss();
    default:
      return m.cf_apply();
  }
}

/** What was decided, as the list of answers and the toast say it. */
export function decidedWords(conflict: ConflictView, answer: string, c: Context): string {
  const { platform } = c;
  const calendar = m.google_calendar();
  if (answer === 'keep_platform' || answer === 'keep_calendar') {
    const kept: SideName = answer === 'keep_platform' ? 'platform' : 'calendar';
    if (conflict.cause === 'series_cancelled')
      return kept === 'platform' ? m.dc_was_series_gone() : m.dc_was_series_kept();
    if (conflict.kind === 'deleted') return kept === 'platform' ? m.dc_was_put_back() : m.dc_was_left_out();
    const time = timeField(conflict);
    return time && conflict.fields.length === 1
      ? m.dc_was_kept_value({ side: sideName(kept, c), value: shortTime(sideValue(time, kept), c) })
      : m.dc_was_kept({ side: sideName(kept, c) });
  }
  const words: Record<string, () => string> = {
    most_recent: () => {
      const side = later(conflict);
      return side ? m.dc_was_recent_side({ side: side === 'platform' ? platform : calendar }) : m.dc_was_recent();
    },
    merge: () => m.dc_was_merged(),
    stop_syncing: () => m.dc_was_stopped(),
    create: () => m.dc_was_created(),
    dismiss: () => m.dc_was_dismissed(),
  };
  return words[answer]?.() ?? m.toast_resolved();
}
