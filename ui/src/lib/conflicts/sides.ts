import { diffArrays } from 'diff';
import type { ConflictView, FieldView, ValueView } from '$lib/bindings';
import type { Part } from './text';

export type { Part };
export type SideName = 'platform' | 'calendar';

/** The platform is always left, the calendar always right, whatever the data says first. */
export const SIDES: readonly [SideName, SideName] = ['platform', 'calendar'];

/** What a side says about itself: its dates and its author never follow the other one. */
export const origin = (conflict: ConflictView, side: SideName): { at: string | null; by: string | null } =>
  side === 'platform'
    ? { at: conflict.platform_changed_at, by: conflict.platform_changed_by }
    : { at: conflict.calendar_changed_at, by: null };

export const sideValue = (field: FieldView, side: SideName): ValueView =>
  side === 'platform' ? field.platform : field.calendar;

/** A side's text with the words marked that the other side does not have. */
export function marked(field: FieldView, side: SideName): Part[] {
  const { platform, calendar } = field;
  if (platform.kind !== 'text' || calendar.kind !== 'text') return [];
  const found = diffArrays(words(platform.text), words(calendar.text), { timeout: 60, maxEditLength: 1_500 });
  // Two long texts with little in common: the window must not stand still to find that out.
  if (!found) return ends(platform.text, calendar.text, side);
  const parts = found
    .filter((part) => (side === 'platform' ? !part.added : !part.removed))
    .map((part): Part => ({ text: part.value.join(''), changed: !!(part.added || part.removed) }));
  return joined(parts).flatMap(outsideSpace);
}

// Words of any script with the unseen signs inside them, pictures as they are seen, spaces, and every other sign alone.
const WORDS =
  /[\p{L}\p{M}\p{N}_\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+|\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic})*|\s+|[^]/gu;
const words = (text: string): string[] => text.match(WORDS) ?? [];

/** What differs between the common beginning and the common end. */
function ends(platform: string, calendar: string, side: SideName): Part[] {
  const most = Math.min(platform.length, calendar.length);
  let head = 0;
  while (head < most && platform[head] === calendar[head]) head += 1;
  let tail = 0;
  while (tail < most - head && platform.at(-1 - tail) === calendar.at(-1 - tail)) tail += 1;
  const own = side === 'platform' ? platform : calendar;
  // Never inside a pair that writes one sign.
  if (/[\ud800-\udbff]/.test(own[head - 1] ?? '')) head -= 1;
  if (/[\udc00-\udfff]/.test(own[own.length - tail] ?? '')) tail -= 1;
  return [
    { text: own.slice(0, head), changed: false },
    { text: own.slice(head, own.length - tail), changed: true },
    { text: own.slice(own.length - tail), changed: false },
  ].filter((p) => p.text !== '');
}

// A space between two changed words belongs to the change; one at its edge does not.
function joined(parts: Part[]): Part[] {
  const out: Part[] = [];
  parts.forEach((part, i) => {
    const bridge = !part.changed && part.text.trim() === '' && !!parts[i - 1]?.changed && !!parts[i + 1]?.changed;
    const changed = part.changed || bridge;
    const last = out.at(-1);
    if (last && last.changed === changed) last.text += part.text;
    else out.push({ text: part.text, changed });
  });
  return out;
}

function outsideSpace(part: Part): Part[] {
  const inner = part.text.trim();
  // A change of nothing but space is a change all the same.
  if (!part.changed || inner === '') return [part];
  const at = part.text.indexOf(inner);
  return [
    { text: part.text.slice(0, at), changed: false },
    { text: inner, changed: true },
    { text: part.text.slice(at + inner.length), changed: false },
  ].filter((p) => p.text !== '');
}

export type Choice =
  'keep_platform' | 'keep_calendar' | 'most_recent' | 'merge' | 'set_time' | 'stop_syncing' | 'create' | 'dismiss';
export const CHOICES: Choice[] = [
  'keep_platform',
  'keep_calendar',
  'most_recent',
  'merge',
  'set_time',
  'stop_syncing',
  'create',
  'dismiss',
];

/** Two minutes: closer than that, clocks of different machines can't tell which came last. */
const TOO_CLOSE_MS = 120_000;

/** Which side was said last; none if it isn't known, or too close to tell. */
export function later(conflict: ConflictView): SideName | null {
  const { platform_changed_at: p, calendar_changed_at: c } = conflict;
  if (!p || !c) return null;
  const apart = Date.parse(c) - Date.parse(p);
  return Math.abs(apart) <= TOO_CLOSE_MS ? null : apart > 0 ? 'calendar' : 'platform';
}

/** By how much the later side is later. */
export const apart = (conflict: ConflictView): number | null =>
  conflict.platform_changed_at && conflict.calendar_changed_at
    ? Math.abs(Date.parse(conflict.calendar_changed_at) - Date.parse(conflict.platform_changed_at))
    : null;
