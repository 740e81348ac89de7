/** Travel-safe: which of the next appointments do not stand where the trainer's own clock would put them. */

import { dayKey } from '$lib/i18n/time';

const DAY = 86_400_000;
const AHEAD = 30 * DAY;

export type Travel =
  /** The distance of both zones is another one then than it is now: one of them changes its clocks before. */
  | { kind: 'shift'; hoursNow: number; hoursThen: number }
  /** The appointment's own wall clock differs from the trainer's. */
  | { kind: 'zone'; hours: number }
  /** The trainer's clocks change on that day; the appointment keeps its wall-clock time. */
  | { kind: 'clock_change'; hours: number };

const formats = new Map<string, Intl.DateTimeFormat | null>();

function formatFor(zone: string): Intl.DateTimeFormat | null {
  let found = formats.get(zone);
  if (found === undefined) {
    try {
      found = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch {
      // A zone this engine does not know: then nothing can be said about it.
      found = null;
    }
    formats.set(zone, found);
  }
  return found;
}

/** The wall clock of a zone as if it were UTC, in ms; none for a zone this engine does not know. */
export function wallMs(atMs: number, zone: string): number | undefined {
  const parts = formatFor(zone)?.formatToParts(atMs);
  if (!parts) return undefined;
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value ?? 0);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
}

/** How far the zone is ahead of UTC at that moment, in hours. */
export function offsetHours(atMs: number, zone: string): number | undefined {
  const wall = wallMs(atMs, zone);
  return wall === undefined ? undefined : (wall - Math.floor(atMs / 1000) * 1000) / 3_600_000;
}

/**
 * The day of each of many moments in one zone. A zone is asked once per day and not once per moment: at ten thousand
 * appointments that is most of the time until they show.
 */
export function daysIn(zone: string): (at: string) => string {
  const offsets = new Map<number, number | undefined>();
  const offsetAt = (day: number) => {
    if (!offsets.has(day)) offsets.set(day, offsetHours(day * DAY, zone));
    return offsets.get(day);
  };
  return (at) => {
    const atMs = Date.parse(at);
    const day = Math.floor(atMs / DAY);
    const [before, after] = [offsetAt(day), offsetAt(day + 1)];
    // Clocks change between the two, or the zone is one that this engine does not know.
    if (before === undefined || before !== after) return dayKey(at, zone);
    return new Date(atMs + before * 3_600_000).toISOString().slice(0, 10);
  };
}

/** The first moment of a day in a zone; with clocks changing at midnight, the first there is. */
export function dayStart(day: string, zone: string): number {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  let at = wanted - (offsetHours(wanted, zone) ?? 0) * 3_600_000;
  at = wanted - (offsetHours(at, zone) ?? 0) * 3_600_000;
  const shown = wallMs(at, zone) ?? wanted;
  // Midnight itself was skipped: the day begins at one o'clock.
  return shown < wanted ? at + (wanted - shown) : at;
}

/** How much longer than 24 hours a day is in a zone: 1 in autumn, -1 in spring, else 0. */
export function clockChange(day: string, zone: string): number {
  const key = `${zone}|${day}`;
  let found = changes.get(key);
  if (found === undefined) {
    const next = new Date(Date.parse(`${day}T12:00:00Z`) + DAY).toISOString().slice(0, 10);
    found = Math.round(((dayStart(next, zone) - dayStart(day, zone)) / 3_600_000 - 24) * 100) / 100;
    changes.set(key, found);
  }
  return found;
}
const changes = new Map<string, number>();

export function travel(start: string, own: string, trainer: string, nowMs: number): Travel | undefined {
  const at = Date.parse(start);
  if (!(at >= nowMs && at - nowMs <= AHEAD)) return undefined;
  if (own !== trainer) {
    const [thereThen, hereThen] = [offsetHours(at, own), offsetHours(at, trainer)];
    const [thereNow, hereNow] = [offsetHours(nowMs, own), offsetHours(nowMs, trainer)];
    if (thereThen === undefined || hereThen === undefined || thereNow === undefined || hereNow === undefined)
      return undefined;
    const [hoursThen, hoursNow] = [thereThen - hereThen, thereNow - hereNow];
    if (hoursThen !== hoursNow) return { kind: 'shift', hoursNow, hoursThen };
    if (hoursThen !== 0) return { kind: 'zone', hours: hoursThen };
  }
  const hours = clockChange(new Date(wallMs(at, trainer) ?? at).toISOString().slice(0, 10), trainer);
  return hours === 0 ? undefined : { kind: 'clock_change', hours };
}
