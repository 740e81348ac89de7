import { describe, expect, it } from 'vitest';
import type { HistoryRow, RunRow } from '$lib/bindings';
import { canRestore, canRetry, grouped, withAttempts } from './attempts';
import { beginning, laneOf } from './lanes';
import { Pages } from './pages.svelte';
import { filterRuns, groupRuns } from './runs';

const NOW = Date.parse('2026-11-21T12:00:00Z');
let next = 0;
const row = (what: string, more: Partial<HistoryRow> = {}): HistoryRow => ({
  id: `h${(next += 1)}`,
  run_id: null,
  at: new Date(NOW - next * 60_000).toISOString(),
  appointment_id: 'apt_1',
  title: 'PT – A. K.',
  what,
  from: null,
  to: null,
  fields: [],
  word: null,
  detail: null,
  admin_notified: null,
  count: null,
  source: 'platform',
  result: what === 'write_failed' ? 'problem' : 'ok',
  problem: null,
  request_id: null,
  retry_at: null,
  restorable: false,
  edit_lost: false,
  ...more,
});
const shape = (rows: HistoryRow[]) => withAttempts(rows).map((l) => [l.row.id, ...l.attempts.map((a) => a.id)]);

describe('attempts', () => {
  it('stay under the write that worked at last', () => {
    const rows = [
      row('changed'),
      row('write_failed', { word: 'patch' }),
      row('added', { appointment_id: 'apt_2' }),
      row('write_failed', { word: 'patch' }),
    ];
    expect(shape(rows)).toEqual([[rows[0]?.id, rows[1]?.id, rows[3]?.id], [rows[2]?.id]]);
  });

  it('stay under the newest one while none has worked', () => {
    const rows = [row('write_failed', { word: 'move' }), row('write_failed', { word: 'move' })];
    expect(shape(rows)).toEqual([[rows[0]?.id, rows[1]?.id]]);
  });

  it('are never explained by another kind of write, nor across something else', () => {
    const other = [row('deleted'), row('write_failed', { word: 'move' })];
    expect(shape(other)).toHaveLength(2);
    // The answer about a marked event is not what came of a creation that failed.
    const answer = [row('conflict_resolved', { word: 'dismiss' }), row('write_failed', { word: 'create' })];
    expect(shape(answer)).toHaveLength(2);
    // Nor is a refused move what came of notes that failed, and the other way round.
    for (const [fields, word] of [
      [['time'], 'notes'],
      [['notes'], 'move'],
    ] as const) {
      const mixed = [row('refused', { fields: [...fields] }), row('write_failed', { word })];
      expect(shape(mixed)).toHaveLength(2);
    }
    const between = [row('changed'), row('conflict_raised'), row('write_failed', { word: 'patch' })];
    expect(shape(between)).toHaveLength(3);
    const apart = [row('changed', { appointment_id: 'apt_2' }), row('write_failed', { word: 'patch' })];
    expect(shape(apart)).toHaveLength(2);
  });

  it('offer "try again" only for what failed or waits, and restoring for 30 days', () => {
    expect(canRetry(row('write_failed'))).toBe(true);
    expect(canRetry(row('changed'))).toBe(false);
    expect(canRetry(row('refused', { result: 'problem' }))).toBe(false);
    expect(canRetry(row('write_failed', { result: 'waiting', retry_at: '2026-11-21T12:04:00Z' }))).toBe(true);
    const days = (n: number) => row('changed', { restorable: true, at: new Date(NOW - n * 86_400_000).toISOString() });
    expect(canRestore(days(29), NOW)).toBe(true);
    expect(canRestore(days(31), NOW)).toBe(false);
    expect(canRestore({ ...days(1), restorable: false }, NOW)).toBe(false);
    // An answer about a marked event is final, whatever the line says.
    expect(canRestore({ ...days(1), appointment_id: 'marked_1' }, NOW)).toBe(false);
  });

  it('are grouped by the day of the zone', () => {
    const rows = [
      row('added', { at: '2026-11-21T23:30:00Z', appointment_id: '1' }),
      row('added', { at: '2026-11-21T12:00:00Z', appointment_id: '2' }),
      row('added', { at: '2026-11-20T12:00:00Z', appointment_id: '3' }),
    ];
    const days = grouped(rows, 'Europe/Berlin').flatMap((i) => (i.kind === 'day' ? [[i.day, i.count]] : []));
    expect(days).toEqual([
      ['2026-11-22', 1],
      ['2026-11-21', 1],
      ['2026-11-20', 1],
    ]);
  });

  it('groups 10,000 lines in no time', () => {
    const rows = Array.from({ length: 10_000 }, () => row('changed'));
    const before = performance.now();
    expect(grouped(rows, 'Europe/Berlin').length).toBeGreaterThan(10_000);
    expect(performance.now() - before).toBeLessThan(400);
  });
});

describe('lanes', () => {
  it('go the way the change went', () => {
    expect(laneOf(row('changed'))).toBe('to_calendar');
    expect(laneOf(row('moved_back'))).toBe('to_platform');
    expect(laneOf(row('write_failed', { word: 'move' }))).toBe('to_platform');
    expect(laneOf(row('write_failed', { word: 'create' }))).toBe('to_platform');
    expect(laneOf(row('write_failed', { word: 'insert' }))).toBe('to_calendar');
    expect(laneOf(row('created_from_event'))).toBe('to_platform');
    expect(laneOf(row('something_new'))).toBe('none');
  });

  it('say how it began only where the first line is really known', () => {
    expect(beginning([row('changed'), row('added')], true)).toBe('assigned');
    expect(beginning([row('changed'), row('created_from_event')], true)).toBe('created');
    expect(beginning([row('changed'), row('added')], false)).toBeUndefined();
    expect(beginning([row('changed')], true)).toBeUndefined();
  });
});

describe('pages', () => {
  const all = Array.from({ length: 1_300 }, (_, i) =>
    // Seven lines each at one moment, so that a page ends in the middle of one.
    row('changed', { id: `p${i}`, at: new Date(NOW - Math.floor(i / 7) * 1000).toISOString() }),
  );
  const from = (rows: HistoryRow[]) => (q: { before?: string | null; limit?: number }) =>
    Promise.resolve(
      rows.filter((r) => !q.before || Date.parse(r.at) < Date.parse(q.before)).slice(0, Math.min(500, q.limit ?? 100)),
    );

  it('read every line once, whatever moment a page ends at', async () => {
    const pages = new Pages(from(all));
    await pages.start({});
    expect(pages.rows).toHaveLength(100);
    while (pages.more) await pages.next();
    expect(pages.rows.map((r) => r.id)).toEqual(all.map((r) => r.id));
  });

  it('keep what was read when something new comes on top', async () => {
    const rows = [...all];
    const pages = new Pages((q) => from(rows)(q));
    await pages.start({});
    await pages.next();
    const read = pages.rows.length;
    const same = pages.rows;
    await pages.refresh();
    expect(pages.rows).toBe(same);
    rows.unshift(row('added', { id: 'new', at: new Date(NOW + 1000).toISOString() }));
    await pages.refresh();
    expect(pages.rows[0]?.id).toBe('new');
    expect(pages.rows).toHaveLength(read + 1);
    expect(new Set(pages.rows.map((r) => r.id)).size).toBe(read + 1);
  });

  it('do not let an older answer replace a newer one', async () => {
    let slow: (rows: HistoryRow[]) => void = () => undefined;
    const answers = [
      new Promise<HistoryRow[]>((done) => (slow = done)),
      Promise.resolve([row('added', { id: 'second' })]),
    ];
    const pages = new Pages(() => answers.shift() ?? Promise.resolve([]));
    const first = pages.start({ result: 'ok' });
    await pages.start({ result: 'problem' });
    slow([row('added', { id: 'first' })]);
    await first;
    expect(pages.rows.map((r) => r.id)).toEqual(['second']);
  });

  it('keep what they have when a further page does not come', async () => {
    let broken = false;
    const pages = new Pages((q) => (broken ? Promise.reject(new Error('gone')) : from(all)(q)));
    await pages.start({});
    broken = true;
    await pages.next();
    expect(pages.error).toBeDefined();
    expect(pages.rows).toHaveLength(100);
    broken = false;
    await pages.next();
    expect(pages.error).toBeUndefined();
    expect(pages.rows.length).toBeGreaterThan(500);
  });
});

describe('runs', () => {
  const run = (id: string, changed: number, more: Partial<RunRow> = {}): RunRow => ({
    id,
    trigger: 'timer',
    started_at: '2026-11-21T10:00:00Z',
    ended_at: null,
    result: 'success',
    added: 0,
    changed,
    removed: 0,
    moved_back: 0,
    conflicts: 0,
    problems: 0,
    platform_requests: 1,
    calendar_requests: 1,
    checks: 1,
    problem: null,
    ...more,
  });

  it('without a change are one line, which opens to them', () => {
    const runs = [run('a', 2), run('b', 0), run('c', 0), run('d', 0), run('e', 1), run('f', 0)];
    const kinds = (unfolded: string[]) => groupRuns(runs, 'Europe/Berlin', new Set(unfolded)).map((i) => i.kind);
    expect(kinds([])).toEqual(['day', 'run', 'quiet', 'run', 'run']);
    expect(kinds(['quiet-d'])).toEqual(['day', 'run', 'quiet', 'run', 'run', 'run', 'run', 'run']);
  });

  it('are filtered by how they ended and when they began', () => {
    const runs = [run('a', 2), run('b', 0, { result: 'partial', problems: 1 }), run('c', 0, { result: 'running' })];
    expect(filterRuns(runs, 'problem', null, null).map((r) => r.id)).toEqual(['b']);
    expect(filterRuns(runs, 'ok', null, null).map((r) => r.id)).toEqual(['a']);
    expect(filterRuns(runs, null, Date.parse('2026-11-21T10:00:01Z'), null)).toEqual([]);
    expect(filterRuns(runs, null, null, Date.parse('2026-11-21T10:00:01Z'))).toHaveLength(3);
  });
});
