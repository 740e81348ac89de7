import type { HistoryRow } from '$lib/bindings';
import { dayNamer } from './days';
import { isStandIn } from './marked';
import { ofNotes } from './sentence';

/** A line with the attempts before it that did not work. */
export type Line = { row: HistoryRow; attempts: HistoryRow[] };

export type ListItem =
  { kind: 'day'; key: string; day: string; count: number } | ({ kind: 'line'; key: string; position: number } & Line);

/** What a write that failed was to become once it works, by the word of its intent. */
const BECOMES: Record<string, string[]> = {
  insert: ['added', 'adopted', 'put_back', 'restored', 'undone'],
  patch: ['changed', 'merged', 'conflict_resolved', 'restored', 'undone'],
  delete: ['deleted', 'restored', 'undone'],
  move: ['moved_back', 'refused', 'conflict_resolved', 'restored', 'undone'],
  notes: ['notes_back', 'merged', 'refused'],
  // One that works is told under the new appointment.
  create: ['refused'],
};

const sameWrite = (later: HistoryRow, failed: HistoryRow): boolean => {
  if (later.what === 'write_failed') return later.word === failed.word;
  // A refused move explains no notes that failed, nor the other way round.
  if (later.what === 'refused' && failed.word !== 'create' && ofNotes(later) !== (failed.word === 'notes'))
    return false;
  const become = BECOMES[failed.word ?? ''];
  // An intent this window does not know yet: any write of the same appointment is its next try.
  return become ? become.includes(later.what) : later.result === 'ok';
};

/**
 * Puts the failed attempts of a write under the line that came of it: the newest failure, or the write that worked at
 * last. Another line of the same appointment between them ends the chain, so nothing is explained by what it isn't.
 */
export function withAttempts(rows: readonly HistoryRow[]): Line[] {
  const lines: Line[] = [];
  const newest = new Map<string, Line>();
  for (const row of rows) {
    const id = row.appointment_id;
    const later = id ? newest.get(id) : undefined;
    if (row.what === 'write_failed' && later && sameWrite(later.row, row)) {
      later.attempts.push(row);
      continue;
    }
    const line: Line = { row, attempts: [] };
    lines.push(line);
    if (id) newest.set(id, line);
  }
  return lines;
}

/** Lines under their days, newest first. */
export function grouped(rows: readonly HistoryRow[], zone: string): ListItem[] {
  const items: ListItem[] = [];
  const dayOf = dayNamer(zone);
  let head: Extract<ListItem, { kind: 'day' }> | undefined;
  withAttempts(rows).forEach((line, position) => {
    const day = dayOf(Date.parse(line.row.at));
    if (head?.day !== day) {
      head = { kind: 'day', key: `day-${day}`, day, count: 0 };
      items.push(head);
    }
    head.count += 1;
    items.push({ kind: 'line', key: line.row.id, position, ...line });
  });
  return items;
}

/** It did not work, nothing newer came of it, and trying again is something the app can do. */
export const canRetry = (row: HistoryRow): boolean =>
  !!row.appointment_id && ((row.result === 'problem' && row.what === 'write_failed') || waits(row));

/** It is tried again by itself. */
export const waits = (row: HistoryRow): boolean => row.result === 'waiting' && !!row.retry_at;

const MONTH = 30 * 86_400_000;
/** Both versions are kept for 30 days. */
export const canRestore = (row: HistoryRow, nowMs: number): boolean =>
  row.restorable && !isStandIn(row.appointment_id) && nowMs - Date.parse(row.at) < MONTH;

const WRITES = ['added', 'changed', 'deleted', 'moved_back', 'notes_back', 'created_from_event'];
/** True for a line about something that Roundtrip wrote on either side. */
export const wrote = (row: HistoryRow): boolean => row.result === 'ok' && WRITES.includes(row.what);
