import type { AppointmentRow, HistoryRow } from '$lib/bindings';
import { isStandIn } from './marked';

export type Found = { id: string; title: string | null; start: string | null };

const MOST = 8;
const fold = (text: string): string =>
  text
    .slice(0, 400)
    .normalize('NFD')
    .replace(/\p{M}|\p{Cf}/gu, '')
    .toLowerCase();

/** Appointments whose title has every word of the text; those that begin with it come first. */
export function find(
  text: string,
  ahead: readonly AppointmentRow[],
  past: readonly HistoryRow[],
  most = MOST,
): Found[] {
  const words = fold(text).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const known = new Map<string, Found>();
  for (const { id, title, start } of ahead) known.set(id, { id, title, start });
  for (const row of past)
    if (row.appointment_id && row.title && !isStandIn(row.appointment_id) && !known.has(row.appointment_id))
      known.set(row.appointment_id, { id: row.appointment_id, title: row.title, start: null });
  const begins: Found[] = [];
  const holds: Found[] = [];
  for (const one of known.values()) {
    const title = fold(one.title ?? '');
    if (!words.every((w) => title.includes(w))) continue;
    (title.startsWith(words[0] ?? '') ? begins : holds).push(one);
    if (begins.length >= most) break;
  }
  return [...begins, ...holds].slice(0, most);
}
