import type { ConflictView, FieldChoice, ResolutionInput } from '$lib/bindings';
import { fieldWord, type Context } from '$lib/history/sentence';
import { m } from '$lib/paraglide/messages';
import { later, type Choice, type SideName } from './sides';
import { shortTime, timeField, valueText } from './story';

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
    case 'most_recent':
    case 'stop_syncing':
      return { kind: draft.choice };
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

/** What will happen, before it happens. */
export function consequence(conflict: ConflictView, draft: Draft, c: Context): string {
  const { platform } = c;
  const calendar = m.google_calendar();
  const time = timeField(conflict);
  switch (draft.choice) {
    case null:
      return m.cf_pick_first();
    case 'keep_platform':
      if (conflict.kind === 'deleted') return m.cf_c_put_back();
      return time
        ? m.cf_c_platform_time({ calendar, platform, time: shortTime(time.platform, c) })
        : m.cf_c_platform_data({ platform });
    case 'keep_calendar':
      if (conflict.kind === 'deleted') return m.cf_c_keep_removed();
      return time
        ? m.cf_c_calendar_time({ platform, time: shortTime(time.calendar, c) })
        : m.cf_c_calendar_data({ platform });
    case 'most_recent': {
      const side = later(conflict);
      return m.cf_c_most_recent({
        side: side === 'calendar' ? calendar : side === 'platform' ? platform : m.cf_unknown_value(),
      });
    }
    case 'merge':
      return conflict.fields.some((f) => draft.merge[f.field])
        ? m.cf_c_merge({
            list: conflict.fields
              .filter((f) => draft.merge[f.field])
              .map((f) => `${fieldWord(f.field)} – ${draft.merge[f.field] === 'platform' ? platform : calendar}`)
              .join(', '),
          })
        : m.cf_pick_first();
    case 'set_time':
      return draft.time
        ? m.cf_c_set_time({ platform, time: valueText({ kind: 'time', ...draft.time, zone: c.zone }, c) })
        : m.cf_pick_first();
    case 'stop_syncing':
      return m.cf_c_stop();
  }
}

/** The button is named by its result. */
export function applyLabel(conflict: ConflictView, draft: Draft, c: Context): string {
  const time = timeField(conflict);
  if (draft.choice === 'keep_platform' || draft.choice === 'keep_calendar') {
    const platform = draft.choice === 'keep_platform';
    if (time && conflict.fields.length === 1)
      return m.cf_keep({ value: shortTime(platform ? time.platform : time.calendar, c) });
    return m.cf_keep_side({ side: platform ? c.platform : m.google_calendar() });
  }
  switch (draft.choice) {
    case 'most_recent':
      return m.cf_most_recent();
    case 'stop_syncing':
      return m.cf_stop();
    case 'set_time':
      return draft.time
        ? m.cf_keep({ value: shortTime({ kind: 'time', ...draft.time, zone: c.zone }, c) })
        : m.cf_apply();
    default:
      return m.cf_apply();
  }
}
