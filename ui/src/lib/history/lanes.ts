import type { HistoryRow } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';

/** Which way a change went between both sides; the platform is always left, the calendar always right. */
export type Lane = 'to_calendar' | 'to_platform' | 'calendar' | 'platform' | 'both' | 'none';

const LANES: Record<string, Lane> = {
  added: 'to_calendar',
  changed: 'to_calendar',
  deleted: 'to_calendar',
  put_back: 'to_calendar',
  moved_back: 'to_platform',
  notes_back: 'to_platform',
  refused: 'to_platform',
  created_from_event: 'to_platform',
  removed_in_calendar: 'calendar',
  adopted: 'calendar',
  unreadable: 'calendar',
  changed_since_removed: 'platform',
  conflict_raised: 'both',
  conflict_resolved: 'both',
  merged: 'both',
  overtaken: 'none',
  restored: 'both',
  undone: 'both',
};

const REPORTS = ['move', 'notes', 'create'];

export function laneOf(row: HistoryRow): Lane {
  if (row.what === 'write_failed') return REPORTS.includes(row.word ?? '') ? 'to_platform' : 'to_calendar';
  return LANES[row.what] ?? 'none';
}

export function laneWords(lane: Lane, platform: string): string {
  const sides = { platform, calendar: m.google_calendar() };
  switch (lane) {
    case 'to_calendar':
      return m.hx_lane_to_calendar(sides);
    case 'to_platform':
      return m.hx_lane_to_platform(sides);
    case 'calendar':
      return m.hx_lane_calendar(sides);
    case 'platform':
      return m.hx_lane_platform(sides);
    case 'both':
      return m.hx_lane_both();
    case 'none':
      return '';
  }
}

/** How it began, which no line says by itself: only if the first line that is kept is really the first. */
export function beginning(rows: readonly HistoryRow[], complete: boolean): 'assigned' | 'created' | undefined {
  const first = complete ? rows.at(-1) : undefined;
  if (!first) return undefined;
  if (first.what === 'created_from_event') return 'created';
  return first.what === 'added' || first.what === 'adopted' || first.word === 'insert' ? 'assigned' : undefined;
}
