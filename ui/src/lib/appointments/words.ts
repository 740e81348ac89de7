/** Sentences that the agenda, the week and the inspector share. */
import type { AppointmentRow } from '$lib/bindings';
import { clock, clockRange, dayLong, duration, zoneName } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';
import { badgeText, badgeWord } from './badges';
import { clip } from './clip';
import type { FilterName, Filters } from './filter';
import type { Travel } from './travel';

export function travelMark(safe: Travel): string {
  switch (safe.kind) {
    case 'shift':
      return m.ag2_travel_mark_shift();
    case 'zone':
      return m.ag2_travel_mark_zone();
    case 'clock_change':
      return m.ag2_travel_mark_change();
  }
}

/** "6 hours earlier". */
export function apart(hours: number): string {
  if (hours === 0) return m.ag2_same_time();
  const length = duration(Math.abs(hours) * 3_600_000);
  return hours < 0 ? m.ag2_behind({ length }) : m.ag2_ahead({ length });
}

export function travelWords(safe: Travel, row: AppointmentRow, zone: string): string {
  const place = zoneName(row.zone);
  switch (safe.kind) {
    case 'shift':
      return m.ag2_travel_shift({ place, then: apart(safe.hoursThen), now: apart(safe.hoursNow) });
    case 'zone':
      return m.ag2_travel_zone({ place, hours: apart(safe.hours) });
    case 'clock_change':
      return m.ag2_travel_change({ time: clock(row.start, zone) });
  }
}

/** A filter by its value, as it is named where something is hidden. */
export function filterWord(name: FilterName, filters: Filters): string {
  const text = {
    q: () => clip(filters.query, 40),
    state: () => (filters.badge ? badgeWord(filters.badge) : ''),
    type: () => clip(filters.kind ?? '', 40),
    client: () => clip(filters.client ?? '', 40),
    calendar: () => (filters.calendar === 'in' ? m.ag2_calendar_in() : m.ag2_calendar_out()),
  }[name]();
  return m.ag2_quoted({ text });
}

/** All there is to say about a block, as one sentence for those who hear it. */
export function blockSentence(
  row: AppointmentRow,
  zone: string,
  platform: string,
  nowMs: number,
  extra: string[],
): string {
  const sentence = m.ag2_block({
    day: dayLong(row.start, zone),
    time: clockRange(row.start, row.end, zone),
    title: clip(row.title),
    place: clip(row.location ?? row.kind),
    badge: badgeText(row, platform, zone, nowMs),
  });
  return extra.length ? m.ag2_block_extra({ sentence, extra: extra.join(', ') }) : sentence;
}
