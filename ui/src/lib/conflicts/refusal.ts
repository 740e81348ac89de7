import { m } from '$lib/paraglide/messages';

const REASONS: Record<string, () => string> = {
  overlap: () => m.cf_reason_overlap(),
  outside_hours: () => m.cf_reason_outside_hours(),
  locked: () => m.cf_reason_locked(),
  in_past: () => m.cf_reason_in_past(),
  holiday: () => m.cf_reason_holiday(),
};

// The other reasons are about a time.
const OF_NOTES: Record<string, () => string> = { locked: () => m.cf_reason_locked_notes() };

/** Not the platform's reason: no answer of it ever came. */
const UNKNOWN = 'outcome_unknown';

/** We have words for this reason, beside the platform's own. */
export const known = (reason: string | null): reason is string => reason !== null && reason in REASONS;

/** Why the platform said no: in its own words if it has some, else in ours for its reason. */
export const refusal = (reason: string | null, detail: string | null, platform: string, notes = false): string =>
  reason === UNKNOWN
    ? m.cf_reason_outcome_unknown({ platform })
    : detail
      ? m.cf_story_refused_said({ platform, detail })
      : ((notes ? OF_NOTES : REASONS)[reason ?? '']?.() ?? m.cf_reason_other());
