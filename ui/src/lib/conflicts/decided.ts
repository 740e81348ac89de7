import type { AnsweredConflict, ConflictView, FieldView } from '$lib/bindings';
import type { Context } from '$lib/history/sentence';
import { m } from '$lib/paraglide/messages';
import { SIDES, sideValue, type SideName } from './sides';
import { shortTime } from './story';

/**
 * An answer about a marked event is final: it became an appointment, or was let be, and neither leaves anything that an
 * edit could take back. The app answers `gone` then, which would be wrong words for it.
 */
export const isFinal = (conflict: ConflictView): boolean => conflict.kind === 'created_externally';

const WHY_NOT: Record<string, (p: { platform: string }) => string> = {
  gone: () => m.dc_un_gone(),
  over: () => m.dc_un_over(),
  changed_since: () => m.dc_un_changed(),
  not_editable: (p) => m.dc_un_not_editable(p),
  same: () => m.dc_un_same(),
  text_not_kept: () => m.dc_un_text(),
  left_out: () => m.dc_un_left_out(),
  nothing: () => m.dc_un_nothing(),
};

/** Why an answer can't be undone, in words; none if it can. */
export const whyNot = (one: AnsweredConflict, c: Context): string | null =>
  isFinal(one.conflict)
    ? m.dc_un_final()
    : one.undo.not_possible === null
      ? null
      : ((WHY_NOT[one.undo.not_possible] ?? WHY_NOT.changed_since)?.({ platform: c.platform }) ?? null);

/** What undoing would do, each in a sentence of its own. */
export function undoing(one: AnsweredConflict, c: Context): string[] {
  const { from, to, tells_admin } = one.undo;
  const said: string[] = [];
  if (from && to) said.push(m.dc_un_moves({ from: shortTime(from, c), to: shortTime(to, c) }));
  else if (one.resolution === 'stop_syncing') said.push(m.dc_un_again());
  else said.push(m.dc_un_values());
  said.push(tells_admin ? m.dc_un_told({ platform: c.platform }) : m.dc_un_quiet());
  return said;
}

/** The texts that lost: they are nowhere else any more, so they can be copied from here. */
export function lost(one: AnsweredConflict, field: FieldView): SideName[] {
  const wins =
    one.resolution === 'keep_platform' ? 'platform' : one.resolution === 'keep_calendar' ? 'calendar' : undefined;
  return SIDES.filter((side) => side !== wins && sideValue(field, side).kind === 'text');
}

export const byWhom = (one: AnsweredConflict): string => (one.by_policy ? m.dc_by_rule() : m.dc_by_you());
