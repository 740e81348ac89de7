import type { ConflictView, FieldView, ValueView } from '$lib/bindings';
import { clock, clockRange, day, dayKey, daysBetween, duration, moment, plainDay } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';
import { fieldWord, type Context } from '$lib/history/sentence';
import { refusal } from './refusal';
import { heading, titleOf } from './text';

export const timeField = (conflict: ConflictView): FieldView | undefined =>
  conflict.fields.find((f) => f.field === 'time');

/** The platform's "no" is to edited notes, not to a move. */
export const refusedNotes = (conflict: ConflictView): boolean =>
  conflict.kind === 'refused' && !timeField(conflict) && conflict.fields.length > 0;

const refusalOf = (conflict: ConflictView, platform: string): string =>
  refusal(conflict.refusal_reason, conflict.refusal_detail, platform, refusedNotes(conflict));

/** "Mon 23 Nov, 11:00–12:00". */
export function valueText(value: ValueView, c: Context): string {
  switch (value.kind) {
    case 'time': {
      const from = `${day(value.start, c.zone, c.nowMs)}, `;
      return dayKey(value.start, c.zone) === dayKey(value.end, c.zone)
        ? from + clockRange(value.start, value.end, c.zone)
        : `${from}${clock(value.start, c.zone)} – ${day(value.end, c.zone, c.nowMs)}, ${clock(value.end, c.zone)}`;
    }
    case 'all_day':
      return daysBetween(value.start, value.end) > 1
        ? `${plainDay(value.start)} – ${plainDay(new Date(Date.parse(`${value.end}T12:00:00Z`) - 86_400_000).toISOString().slice(0, 10))}, ${m.all_day()}`
        : `${plainDay(value.start)}, ${m.all_day()}`;
    case 'text':
      return value.text === '' ? m.cf_empty_value() : value.text;
    case 'unknown':
      return m.cf_unknown_value();
  }
}

/** Short: "Mon 11:00", or "11:00" if both sides are on one day. */
export function shortTime(value: ValueView, c: Context): string {
  if (value.kind === 'time') return moment(value.start, c.zone, c.nowMs);
  return valueText(value, c);
}

/** Title of a card that asks for a decision. */
export function card(conflict: ConflictView, platform: string): string {
  const title = titleOf(conflict);
  switch (conflict.kind) {
    case 'refused':
      return refusedNotes(conflict)
        ? m.cf_card_refused_notes({ title, platform })
        : m.cf_card_refused({ title, platform });
    case 'unusual_move':
      return m.cf_card_unusual({ title });
    case 'deleted':
      return m.cf_card_deleted({ title });
    case 'created_externally':
      return m.cf_card_created({ title });
    case 'time_change':
      // Which side moved is what nobody knows there.
      return conflict.cause === 'no_base' ? m.cf_card_data({ title }) : m.cf_card_time({ title });
    default:
      return m.cf_card_data({ title });
  }
}

/** Both sides in one line, platform first: always in this order. */
export function brief(conflict: ConflictView, c: Context): string {
  if (conflict.kind === 'refused') return refusalOf(conflict, c.platform);
  const time = timeField(conflict);
  if (conflict.kind === 'created_externally')
    return time ? `${m.google_calendar()}: ${shortTime(time.calendar, c)}.` : m.dc_marked_by_you();
  if (conflict.cause === 'series_cancelled')
    return m.cf_story_series_cancelled({ calendar: m.google_calendar(), platform: c.platform });
  if (time)
    return `${c.platform}: ${shortTime(time.platform, c)}. ${m.google_calendar()}: ${shortTime(time.calendar, c)}.`;
  return heading(conflict.fields.map((f) => fieldWord(f.field)).join(', '));
}

/** The question in large type. */
export function question(conflict: ConflictView, platform: string): string {
  const title = titleOf(conflict);
  if (conflict.cause === 'series_cancelled') return m.dc_q_series_cancelled({ title });
  if (conflict.cause === 'made_series') return m.dc_q_series({ title });
  if (conflict.cause === 'made_all_day') return m.dc_q_all_day({ title });
  if (conflict.kind === 'refused')
    return refusedNotes(conflict) ? m.cf_q_refused_notes({ title, platform }) : m.cf_q_refused({ title, platform });
  if (conflict.kind === 'unusual_move') return m.cf_q_unusual({ title });
  if (conflict.kind === 'deleted') return m.cf_q_deleted({ title });
  if (conflict.kind === 'created_externally') return m.cf_q_created({ title });
  const [only] = conflict.fields;
  if (conflict.fields.length === 1 && only)
    return only.field === 'time' ? m.cf_q_when({ title }) : m.cf_q_what({ title, field: fieldWord(only.field) });
  return m.cf_q_both({ title });
}

/** What was tried, without the platform's reason. */
export const refusedStory = (conflict: ConflictView, platform: string): string =>
  refusedNotes(conflict)
    ? m.cf_story_refused_notes({ calendar: m.google_calendar(), platform })
    : m.cf_story_refused({ calendar: m.google_calendar(), platform });

/** How it came to this, in words. */
export function story(conflict: ConflictView, c: Context): string {
  const { platform } = c;
  const calendar = m.google_calendar();
  if (conflict.kind === 'created_externally') {
    if (conflict.refusal_reason === 'outcome_unknown')
      return m.dc_story_created_unknown({ title: titleOf(conflict), calendar, platform });
    const asked = m.dc_story_created({ title: titleOf(conflict), calendar, platform });
    if (conflict.refusal_reason === null) return asked;
    return `${asked} ${refusal(conflict.refusal_reason, conflict.refusal_detail, platform)}`;
  }
  if (conflict.kind === 'deleted' && conflict.cause !== 'series_cancelled')
    return m.dc_story_deleted({ calendar, platform });
  switch (conflict.cause) {
    case 'no_base':
      return m.cf_story_no_base();
    case 'moved_into_past':
      return m.cf_story_past({ calendar });
    case 'moved_far':
      return m.cf_story_far({ calendar });
    case 'many_moves':
      return m.cf_story_many({ calendar });
    case 'made_all_day':
      return m.cf_story_all_day({ calendar, platform });
    case 'made_series':
      return m.cf_story_series({ calendar, platform });
    case 'series_cancelled':
      return m.cf_story_series_cancelled({ calendar, platform });
    case 'refused':
      return `${refusedStory(conflict, platform)} ${refusalOf(conflict, platform)}`;
    case 'ping_pong':
      return m.cf_story_ping_pong();
    case 'not_editable':
      return m.cf_story_not_editable({ calendar, platform });
    default:
      return bothChanged(conflict, c, calendar);
  }
}

function bothChanged(conflict: ConflictView, c: Context, calendar: string): string {
  const who = conflict.platform_changed_by ?? m.cf_who_unknown();
  const ours = conflict.calendar_changed_at ? Date.parse(conflict.calendar_changed_at) : undefined;
  const theirs = conflict.platform_changed_at ? Date.parse(conflict.platform_changed_at) : undefined;
  const apart = ours !== undefined && theirs !== undefined ? ours - theirs : 0;
  const gap =
    Math.abs(apart) < 30_000
      ? m.cf_gap_same()
      : apart > 0
        ? m.cf_gap_after({ duration: duration(apart) })
        : m.cf_gap_before({ duration: duration(-apart) });
  const time = timeField(conflict);
  if (time?.platform.kind === 'time' && time.calendar.kind === 'time') {
    const oneDay = dayKey(time.platform.start, c.zone) === dayKey(time.calendar.start, c.zone);
    const say = (at: string) => (oneDay ? clock(at, c.zone) : moment(at, c.zone, c.nowMs));
    return m.cf_story_both_move({
      calendar,
      gap,
      who,
      calendar_time: say(time.calendar.start),
      platform_time: say(time.platform.start),
    });
  }
  return m.cf_story_both({ calendar, gap, who, platform: c.platform });
}
