import type {
  AppointmentRow,
  HistoryQuery,
  HistoryRow,
  Outcome,
  PastCalendar,
  PastEvent,
  RestoreConfirmed,
  RestoreItem,
  RestorePreview,
  RunRow,
  SavedFile,
} from '$lib/bindings';
import { wrote } from '$lib/history/attempts';
import { isStandIn } from '$lib/history/marked';
import { offline } from '$lib/overview/status';
import type { Area, Tools } from '../area';
import { iso, random } from '../data';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The app answers at most so many lines at once. */
const PAGE = 500;

const timeOf = (start: number, minutes = 60, zone = 'Europe/Berlin') => ({
  kind: 'time' as const,
  start: iso(start),
  end: iso(start + minutes * MINUTE),
  zone,
});

const blank: HistoryRow = {
  id: '',
  run_id: null,
  at: '',
  appointment_id: null,
  title: null,
  what: 'changed',
  from: null,
  to: null,
  fields: [],
  word: null,
  detail: null,
  admin_notified: null,
  count: null,
  source: 'platform',
  result: 'ok',
  problem: null,
  request_id: null,
  retry_at: null,
  restorable: false,
  edit_lost: false,
};

/** A life as appointments have one: added, moved a few times, once refused, reported, restored. */
function lives(rows: AppointmentRow[], nowMs: number): HistoryRow[] {
  const r = random(11);
  const made: HistoryRow[] = [];
  rows.slice(0, 14).forEach((row, i) => {
    const now = Date.parse(row.start);
    const minutes = (Date.parse(row.end) - now) / MINUTE;
    let time = now - (2 + Math.floor(r() * 3)) * HOUR;
    let at = nowMs - (27 - (i % 9)) * DAY - Math.floor(r() * 8) * HOUR;
    const push = (what: string, more: Partial<HistoryRow>) =>
      made.push({
        ...blank,
        id: `l_${i}_${made.length}`,
        run_id: `run_l${i}_${made.length}`,
        at: iso(at),
        appointment_id: row.id,
        title: row.title,
        what,
        request_id: `req-5c0${made.length}`,
        ...more,
      });
    push('added', { to: timeOf(time, minutes, row.zone), restorable: true });
    const moves = 1 + (i % 3);
    for (let n = 0; n < moves; n += 1) {
      at += Math.floor((0.15 + r() * 0.7) * (nowMs - at));
      const next = n === moves - 1 ? now : time + (1 + n) * HOUR;
      const mine = (i + n) % 3 === 0;
      push(mine ? 'moved_back' : 'changed', {
        from: timeOf(time, minutes, row.zone),
        to: timeOf(next, minutes, row.zone),
        fields: ['time'],
        source: mine ? 'you' : 'platform',
        admin_notified: mine ? true : null,
        restorable: true,
      });
      time = next;
    }
  });
  return made;
}

/** Events that are not there any more: cancelled, or given to somebody else. */
function gone(nowMs: number): HistoryRow[] {
  return [
    ['Kastanien-Apotheke', 5, 3, 'cancelled'],
    ['Mohren-Apotheke 🌿 am Kurpark', 5, 6, 'unassigned'],
    ['Sonnen-Apotheke', 12, 8, 'cancelled'],
  ].flatMap(([title, ahead, ago, word], i) => {
    const start = nowMs - (nowMs % HOUR) + Number(ahead) * DAY + i * 2 * HOUR;
    const common = { ...blank, appointment_id: `apt_gone_${i}`, title: String(title), request_id: `req-90${i}` };
    return [
      { ...common, id: `g_${i}_a`, at: iso(nowMs - 22 * DAY), what: 'added', to: timeOf(start) },
      {
        ...common,
        id: `g_${i}_d`,
        at: iso(nowMs - Number(ago) * DAY),
        what: 'deleted',
        word: String(word),
        from: timeOf(start),
        restorable: word !== 'cancelled',
      },
    ];
  });
}

/** What the newest lines need to show everything once: a retry that waits, attempts that ended well, hostile titles. */
function special(nowMs: number, failing: boolean): HistoryRow[] {
  const start = nowMs - (nowMs % HOUR) + 3 * DAY;
  const row = (id: string, ago: number, what: string, more: Partial<HistoryRow>): HistoryRow => ({
    ...blank,
    id,
    at: iso(nowMs - ago * MINUTE),
    run_id: `run_s${id}`,
    appointment_id: 'apt_8',
    title: 'Hirsch-Apotheke',
    what,
    request_id: `req-${id}`,
    ...more,
  });
  const tried = { result: 'problem', problem: 'server_trouble', word: 'patch', source: 'roundtrip' };
  return [
    ...(failing
      ? [
          row('w1', 2, 'write_failed', {
            appointment_id: 'apt_6',
            title: 'Adler-Apotheke',
            word: 'insert',
            result: 'waiting',
            problem: 'google_unreachable',
            source: 'roundtrip',
            retry_at: iso(nowMs + 4 * MINUTE),
          }),
        ]
      : []),
    row('s1', 95, 'changed', { from: timeOf(start), to: timeOf(start + HOUR), fields: ['time'], restorable: true }),
    row('s2', 96, 'write_failed', tried),
    row('s3', 101, 'write_failed', tried),
    row('s4', 400, 'created_from_event', {
      source: 'you',
      to: timeOf(start),
      title: 'Vortrag Impfkurs',
      appointment_id: 'apt_12',
    }),
    row('s7', 410, 'write_failed', {
      ...tried,
      word: 'create',
      title: 'Teamabend #linden',
      appointment_id: 'marked_s7',
    }),
    row('s5', 420, 'undone', { source: 'you', from: timeOf(start), to: timeOf(start - HOUR), restorable: true }),
    row('s6', 440, 'conflict_resolved', {
      source: 'you',
      title: 'Zahnarzt #linden',
      word: 'dismiss',
      appointment_id: 'marked_s6',
      run_id: null,
      request_id: null,
      restorable: true,
    }),
  ];
}

const HOSTILE = [
  '<img src=x onerror=alert(1)> & <b>fett</b>',
  'Ω'.repeat(10_000),
  '👩‍⚕️👨‍👩‍👧‍👦🏳️‍🌈 Familien-Apotheke',
  'بيدلية الشفاء ‮Rosen‬',
  '\u200b\u200d\u2060',
];

const matches = (q: HistoryQuery) => (h: HistoryRow) =>
  (!q.result || h.result === q.result) &&
  (!q.source || h.source === q.source) &&
  (!q.appointment_id || h.appointment_id === q.appointment_id) &&
  (!q.run_id || h.run_id === q.run_id) &&
  (!q.since || Date.parse(h.at) >= Date.parse(q.since)) &&
  (!q.before || Date.parse(h.at) < Date.parse(q.before));

/** Stands in for the app where it is about restoring, exports and the calendar as it was. */
export const history: Area = (tools) => {
  const { state, now, changed, refuse } = tools;
  const begun = now();
  if (state.overview.started && state.history.length) {
    const failing = state.history.some((h) => h.what === 'write_failed');
    for (const h of state.history) if (h.what === 'write_failed') h.word ??= 'insert';
    state.history.push(...special(begun, failing), ...lives(state.rows, begun), ...gone(begun));
    if (state.rows.length >= 2_000)
      state.history.forEach((h, i) => {
        if (i % 400 === 7) h.title = HOSTILE[Math.floor(i / 400) % HOSTILE.length] ?? null;
      });
    state.history.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
    if (failing) {
      const broken = state.runs.find((r: RunRow) => r.problem);
      const line = state.history.find((h) => h.what === 'write_failed' && h.result === 'problem');
      if (broken && line) line.run_id = broken.id;
    }
  }
  const line = (id: string) => state.history.find((h) => h.id === id);
  let written = 0;
  const add = (of: HistoryRow, what: string, more: Partial<HistoryRow>) => {
    written += 1;
    state.history.unshift({
      ...blank,
      id: `n_${written}`,
      at: iso(now()),
      run_id: `run_n${written}`,
      appointment_id: of.appointment_id,
      title: of.title,
      what,
      request_id: `req-new${written}`,
      ...more,
    });
  };

  /** Writes once more what did not work; what has no room left in its quota fails once more. */
  function again(failed: HistoryRow[]): void {
    if (offline(state.overview)) refuse('offline', { retryable: true });
    const ids = new Set<string | null>();
    const open = failed.filter((h) => h.result !== 'ok' && !ids.has(h.appointment_id) && ids.add(h.appointment_id));
    setTimeout(() => {
      for (const h of open) {
        if (h.problem === 'quota_gone')
          add(h, 'write_failed', { word: h.word, result: 'problem', problem: 'quota_gone', source: 'roundtrip' });
        else add(h, h.word === 'insert' ? 'added' : 'changed', { to: h.to, from: h.from, fields: h.fields });
      }
      void changed('history', 'overview', 'appointments');
    }, 700);
  }
  const failures = () => {
    const later = new Set<string | null>();
    return state.history.filter((h) => {
      const first = !later.has(h.appointment_id);
      later.add(h.appointment_id);
      return first && h.what === 'write_failed';
    });
  };

  function would(id: string): RestoreItem {
    const h = line(id);
    const base = {
      history_id: id,
      appointment_id: h?.appointment_id ?? '',
      title: h?.title ?? '',
      from: null,
      to: null,
      tells_admin: false,
    };
    if (!h) return { ...base, action: 'move', not_possible: 'gone' };
    if (h.what === 'deleted' && !h.restorable) return { ...base, action: 'let_in', not_possible: 'gone' };
    if ((h.what === 'changed' && !h.from) || h.what === 'notes_back')
      return { ...base, action: 'text', not_possible: 'text_not_kept' };
    if (!h.restorable) return { ...base, action: 'move', not_possible: 'nothing' };
    if (h.what === 'added') return { ...base, action: 'leave_out', not_possible: null };
    if (h.what === 'deleted' || h.what === 'removed_in_calendar')
      return { ...base, action: 'put_back', to: h.from, not_possible: null };
    if (h.what === 'conflict_resolved')
      return { ...base, action: 'answer', not_possible: isStandIn(h.appointment_id) ? 'gone' : null };
    if (!h.from) return { ...base, action: 'move', not_possible: 'text_not_kept' };
    const newer = state.history.find((o) => o.appointment_id === h.appointment_id && o.to && o.from);
    if (newer && newer !== h) return { ...base, action: 'move', from: h.to, to: h.from, not_possible: 'changed_since' };
    return { ...base, action: 'move', from: h.to, to: h.from, tells_admin: true, not_possible: null };
  }

  function preview(ids: string[], runId: string | null): RestorePreview {
    const wanted = runId ? state.history.filter((h) => h.run_id === runId).map((h) => h.id) : ids;
    const items = wanted.map(would);
    return { items, tells_admin: items.filter((i) => i.tells_admin).length };
  }

  function previewRun(runId: string): RestorePreview {
    const writes = state.history.filter((h) => h.run_id === runId && wrote(h));
    return preview(
      writes.map((h) => h.id),
      null,
    );
  }

  function restore(ids: string[], confirmed: RestoreConfirmed): Outcome[] {
    const seen = preview(ids, null);
    const done = seen.items.filter((i) => !i.not_possible).length;
    if (done !== confirmed.done || seen.tells_admin !== confirmed.tells_admin) refuse('stale');
    const outcomes = ids.map((id): Outcome => {
      const item = would(id);
      const h = line(id);
      if (item.not_possible || !h) return { id, result: item.not_possible ?? 'gone' };
      const row = state.rows.find((r) => r.id === h.appointment_id);
      if (row && item.to?.kind === 'time') Object.assign(row, { start: item.to.start, end: item.to.end });
      add(h, 'restored', { from: item.from, to: item.to, source: 'you', restorable: !!item.from });
      return { id, result: 'done' };
    });
    setTimeout(() => void changed('history', 'appointments', 'overview'), 0);
    return outcomes;
  }

  return {
    list_history: ({ query }) => {
      const q = query as HistoryQuery;
      return structuredClone(state.history.filter(matches(q)).slice(0, Math.min(q.limit, PAGE)));
    },
    list_runs: ({ limit }) => structuredClone(state.runs.slice(0, Math.min(limit as number, PAGE))),
    retry: ({ appointmentId }) =>
      again(appointmentId === null ? failures() : failures().filter((h) => h.appointment_id === appointmentId)),
    retry_run: ({ runId }) => again(state.history.filter((h) => h.run_id === runId && h.what === 'write_failed')),
    preview_restore: ({ historyIds, runId }) => preview(historyIds as string[], runId as string | null),
    preview_undo_run: ({ runId }) => previewRun(runId as string),
    undo_run: ({ runId, confirmed }) =>
      restore(
        previewRun(runId as string).items.map((i) => i.history_id),
        confirmed as RestoreConfirmed,
      ),
    restore: ({ historyIds, confirmed }) => restore(historyIds as string[], confirmed as RestoreConfirmed),
    calendar_at: ({ at }) => calendarAt(tools, Date.parse(at as string)),
    export_history: ({ query, format }): SavedFile => {
      if (state.overview.problem?.code === 'google_unreachable') refuse('disk_full');
      const lines = state.history.filter(matches(query as HistoryQuery)).length;
      return { name: `roundtrip-history-${iso(now()).slice(0, 10)}.${String(format)}`, lines };
    },
    show_saved_file: () => undefined,
  };
};

/** Plays the history backwards from today's rows. */
function calendarAt({ state, now, refuse }: Tools, atMs: number): PastCalendar {
  if (Number.isNaN(atMs)) refuse('bad_input', { field: 'at' });
  const earliest = Math.max(now() - 30 * DAY, Date.parse(state.history.at(-1)?.at ?? iso(now())));
  const events = new Map<string, PastEvent>();
  const current = new Map<string, number>();
  for (const row of state.rows.slice(0, 300)) {
    if (row.badge === 'left_out' || row.badge === 'removed') continue;
    current.set(row.id, Date.parse(row.start));
    events.set(row.id, {
      appointment_id: row.id,
      title: row.title,
      start: row.start,
      end: row.end,
      zone: row.zone,
      since: 'same',
      now_start: null,
      history_id: null,
    });
  }
  for (const h of state.history) {
    if (Date.parse(h.at) <= atMs) break;
    const id = h.appointment_id;
    if (!id || h.result !== 'ok') continue;
    const event = events.get(id);
    if (h.what === 'added') events.delete(id);
    else if (h.from?.kind === 'time' && (h.what === 'deleted' || event))
      events.set(id, {
        appointment_id: id,
        title: h.title ?? '',
        start: h.from.start,
        end: h.from.end,
        zone: h.from.zone,
        since: 'moved',
        now_start: null,
        history_id: h.restorable && !event?.history_id ? h.id : (event?.history_id ?? null),
      });
  }
  for (const event of events.values()) {
    const start = current.get(event.appointment_id);
    event.since = start === undefined ? 'gone' : start === Date.parse(event.start) ? 'same' : 'moved';
    event.now_start = event.since === 'moved' && start !== undefined ? iso(start) : null;
    if (event.since === 'same') event.history_id = null;
  }
  return {
    at: iso(atMs),
    earliest: iso(earliest),
    events: [...events.values()].sort((a, b) => Date.parse(a.start) - Date.parse(b.start)),
  };
}
