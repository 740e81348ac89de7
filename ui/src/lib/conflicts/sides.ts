import { diffWordsWithSpace } from 'diff';
import type { ConflictView, FieldView, ValueView } from '$lib/bindings';

export type SideName = 'platform' | 'calendar';

/** The platform is always left, the calendar always right, whatever the data says first. */
export const SIDES: readonly [SideName, SideName] = ['platform', 'calendar'];

export type Part = { text: string; changed: boolean };

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
  const parts = diffWordsWithSpace(platform.text, calendar.text)
    .filter((part) => (side === 'platform' ? !part.added : !part.removed))
    .map((part): Part => ({ text: part.value, changed: !!(part.added || part.removed) }));
  return joined(parts).flatMap(outsideSpace);
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
  if (!part.changed) return [part];
  const inner = part.text.trim();
  const at = part.text.indexOf(inner);
  return [
    { text: part.text.slice(0, at), changed: false },
    { text: inner, changed: true },
    { text: part.text.slice(at + inner.length), changed: false },
  ].filter((p) => p.text !== '');
}

export type Choice = 'keep_platform' | 'keep_calendar' | 'most_recent' | 'merge' | 'set_time' | 'stop_syncing';
export const CHOICES: Choice[] = ['keep_platform', 'keep_calendar', 'most_recent', 'merge', 'set_time', 'stop_syncing'];

/** Which side was said last; none if it isn't known, or too close to tell. */
export function later(conflict: ConflictView): SideName | null {
  const { platform_changed_at: p, calendar_changed_at: c } = conflict;
  if (!p || !c) return null;
  const apart = Date.parse(c) - Date.parse(p);
  return Math.abs(apart) <= 120_000 ? null : apart > 0 ? 'calendar' : 'platform';
}
