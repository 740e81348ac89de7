import type { HeldView, QuestionGroup } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';

/** Why events would go, each reason with its number. */
export function heldGroups(held: readonly HeldView[], platform: string): { cause: string; text: string }[] {
  const counts = new Map<string, number>();
  for (const one of held) counts.set(one.cause, (counts.get(one.cause) ?? 0) + 1);
  return [...counts].map(([cause, count]) => ({
    cause,
    text: cause === 'absent' ? m.pn_absent({ count, platform }) : m.pn_rules({ count }),
  }));
}

const WHY: Record<string, (p: { count: number; platform: string }) => string> = {
  rules_changed: (p) => m.pn_why_rules(p),
  appointment_changed: (p) => m.pn_why_appointment(p),
  absent: (p) => m.pn_why_absent(p),
  cancelled: (p) => m.pn_why_cancelled(p),
  unassigned: (p) => m.pn_why_unassigned(p),
  deleted: (p) => m.pn_why_deleted(p),
  moved: (p) => m.pn_why_moved(p),
  moved_by_rule: (p) => m.pn_why_by_rule(p),
  removed_in_calendar: (p) => m.pn_why_removed(p),
};

/** One reason of a question with its number; none for a reason this window does not know. */
export const groupWords = (group: QuestionGroup, platform: string): string | undefined =>
  WHY[group.why]?.({ count: group.count, platform });
