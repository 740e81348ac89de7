import type { AppointmentRow, Badge } from '$lib/bindings';
import { age } from '$lib/i18n/time';
import { knownProblem, problemWords } from '$lib/i18n/problems';
import { m } from '$lib/paraglide/messages';

export const BADGES: Badge[] = ['synced', 'waiting', 'syncing', 'left_out', 'conflict', 'problem', 'removed', 'ended'];

const WORDS: Record<Badge, () => string> = {
  synced: () => m.badge_synced(),
  waiting: () => m.badge_waiting(),
  syncing: () => m.badge_syncing(),
  left_out: () => m.badge_left_out(),
  conflict: () => m.badge_conflict(),
  problem: () => m.badge_problem(),
  removed: () => m.badge_removed(),
  ended: () => m.badge_ended(),
};

export const badgeWord = (badge: Badge): string => WORDS[badge]();

const REASONS: Record<string, () => string> = {
  type_off: () => m.r_type_off(),
  client_off: () => m.r_client_off(),
  excluded: () => m.r_excluded(),
  outside_dates: () => m.r_outside_dates(),
  weekday_off: () => m.r_weekday_off(),
  hours_off: () => m.ag2_r_hours_off(),
  outside_hours: () => m.ag2_r_hours_off(),
  private: () => m.r_private(),
  own_rule: () => m.r_own_rule(),
  before_connection: () => m.r_before_connection(),
  writing: () => m.r_writing(),
  not_read: () => m.r_not_read(),
  looking_again: () => m.r_looking_again(),
  perhaps_created: () => m.r_perhaps_created(),
  settling: () => m.r_settling(),
  cool_down: () => m.r_cool_down(),
  retrying: () => m.r_retrying(),
  offline: () => m.r_offline(),
  not_the_writer: () => m.r_not_the_writer(),
  question: () => m.r_question(),
  held: () => m.pn_reason(),
  paused: () => m.r_paused(),
  not_started: () => m.r_not_started(),
  moved_by_you: () => m.r_moved_by_you(),
  own_wording: () => m.r_own_wording(),
  marked_free: () => m.r_marked_free(),
  declined: () => m.r_declined(),
  removed_by_you: () => m.r_removed_by_you(),
  removed: () => m.r_removed(),
  changed_since_removed: () => m.r_changed_since_removed(),
  kept: () => m.r_kept(),
  stopped: () => m.r_stopped(),
  direction_pull: () => m.r_direction_pull(),
  unreadable: () => m.ag2_r_unreadable(),
};

/** The words of a reason code, or of a problem; none for a code this window does not know, rather than a wrong guess. */
export function reasonWord(code: string, platform: string): string | undefined {
  if (REASONS[code]) return REASONS[code]();
  return knownProblem(code) ? problemWords(code, platform).title.replace(/\.$/, '') : undefined;
}

/** Why this badge, in a few words. */
export function badgeReason(row: AppointmentRow, platform: string, zone: string, nowMs: number): string | undefined {
  if (row.moved_back?.admin_notified && (row.reason === 'moved_by_you' || !row.reason)) return m.r_moved_by_you_told();
  if (row.moved_back && !row.reason) return m.r_moved_by_you();
  if (!row.reason) return row.badge === 'problem' ? m.r_problem() : undefined;
  const due = row.due_at && Date.parse(row.due_at) > nowMs ? age(row.due_at, zone, nowMs) : undefined;
  if (due && row.reason === 'settling') return m.r_settling_in({ age: due });
  if (due && row.reason === 'retrying') return m.r_retrying_in({ age: due });
  return reasonWord(row.reason, platform) ?? (row.badge === 'problem' ? m.r_problem() : undefined);
}

/** Badge and reason as one text, for focus, hover and screen readers. */
export function badgeText(row: AppointmentRow, platform: string, zone: string, nowMs: number): string {
  const reason = badgeReason(row, platform, zone, nowMs);
  const badge = badgeWord(row.badge);
  return reason ? m.badge_with_reason({ badge, reason }) : badge;
}
