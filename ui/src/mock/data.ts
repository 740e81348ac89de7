import type {
  AppointmentRow,
  Badge,
  Beat,
  ConflictView,
  FilterCheck,
  HeldView,
  HistoryRow,
  Overview,
  Preview,
  QuestionView,
  RunRow,
  SettingsView,
} from '$lib/bindings';
import { dayKey } from '$lib/i18n/time';

/** A small generator with a seed, so that a scenario looks the same each time. */
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = s;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const ZONE = 'Europe/Berlin';
const MINUTE = 60_000;
const DAY = 86_400_000;

export const iso = (ms: number): string => new Date(ms).toISOString();

const PLACES: [string, string][] = [
  ['Linden-Apotheke', 'Lindenstraße 5, 10969 Berlin'],
  ['Apotheke am Markt', 'Marktplatz 12, 14467 Potsdam'],
  ['Rosen-Apotheke', 'Hauptstraße 80, 12159 Berlin'],
  ['Bären-Apotheke', 'Kantstraße 44, 10625 Berlin'],
  ['Stern-Apotheke', 'Bahnhofstraße 3, 14641 Nauen'],
  ['Adler-Apotheke', 'Schloßstraße 19, 12163 Berlin'],
  ['Löwen-Apotheke am Königsplatz', 'Königsplatz 1, 15230 Frankfurt (Oder)'],
  ['Hirsch-Apotheke', 'Gartenweg 7, 14770 Brandenburg'],
  ['Apotheke im Gesundheitszentrum Süd', 'Mariendorfer Damm 301, 12107 Berlin'],
  ['Schwanen-Apotheke 🦢', 'Seestraße 21, 13353 Berlin'],
  ['Engel-Apotheke', 'Dorfanger 2, 16321 Bernau'],
];

/** The first moment of a day, `days` from now, at that hour in Berlin. */
function at(nowMs: number, days: number, hour: number, minute = 0): number {
  const day = dayKey(nowMs + days * DAY, ZONE);
  const guess = Date.parse(`${day}T${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}:00Z`);
  const shown = Number(
    new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, hour: '2-digit', hourCycle: 'h23' }).format(guess),
  );
  const offset = (((shown - hour + 36) % 24) - 12) * 60 * MINUTE;
  return guess - offset;
}

/** A row with what the app tells of it only where it is opened. */
export type MockRow = AppointmentRow & { checks: FilterCheck[] };

/** As the app sends it in a list. */
export function listed(row: MockRow): AppointmentRow {
  const light: Partial<MockRow> = structuredClone(row);
  delete light.checks;
  return light as AppointmentRow;
}

/** Passed steps in the app's own order, with these that did not. */
export const checks = (...failed: FilterCheck[]): FilterCheck[] =>
  ['assigned', 'connection', 'type', 'client', 'dates', 'weekday', 'hours', 'private', 'excluded', 'own_rule'].map(
    (check) => failed.find((f) => f.check === check) ?? { check, passed: true, value: null },
  );

const passed = (kind: string): FilterCheck[] => checks({ check: 'type', passed: true, value: kind });

export function appointment(n: number, start: number, minutes: number, more: Partial<MockRow> = {}): MockRow {
  const [title, location] = PLACES[n % PLACES.length] ?? ['Coaching Session', ''];
  const kind = more.kind ?? 'Apothekenbesuch';
  return {
    id: `apt_${n + 1}`,
    title,
    location,
    kind,
    start: iso(start),
    end: iso(start + minutes * MINUTE),
    zone: ZONE,
    tentative: false,
    private: false,
    badge: 'synced' as Badge,
    reason: null,
    due_at: null,
    moved_back: null,
    conflict_id: null,
    client: null,
    has_event: true,
    checks: passed(kind),
    ...more,
  };
}

const off = (kind: string, check: string, value: string | null = null): FilterCheck[] =>
  passed(kind).map((c) => (c.check === check ? { check, passed: false, value } : c));

/** What a normal few weeks look like, with one of each badge near the top. */
export function appointmentsFor(
  nowMs: number,
  kind: 'healthy' | 'conflicts' | 'many' | 'error' | 'paused' | 'offline',
): MockRow[] {
  const rows: MockRow[] = [];
  const next = nowMs + 95 * MINUTE;
  rows.push(appointment(0, next - (next % (15 * MINUTE)), 90));
  const monday = 1 + ((7 - new Date(nowMs).getUTCDay()) % 7);
  const plan: [number, number, number, number, Partial<MockRow>][] = [
    [monday, 9, 0, 90, { moved_back: { at: iso(nowMs - 50 * MINUTE), admin_notified: true } }],
    [monday, 13, 0, 60, kind === 'conflicts' ? { badge: 'conflict', conflict_id: 'cf_1' } : {}],
    [
      monday + 1,
      10,
      0,
      90,
      kind === 'healthy' ? { badge: 'waiting', reason: 'settling', due_at: iso(nowMs + 14_000) } : {},
    ],
    [
      monday + 1,
      15,
      0,
      60,
      {
        title: 'Teamrunde',
        location: null,
        kind: 'Online-Termin',
        badge: 'left_out',
        reason: 'type_off',
        checks: off('Online-Termin', 'type', 'Online-Termin'),
      },
    ],
    [monday + 2, 8, 30, 90, {}],
    [monday + 2, 14, 0, 60, kind === 'conflicts' ? { badge: 'conflict', conflict_id: 'cf_2' } : { tentative: true }],
    [monday + 3, 9, 0, 120, { zone: 'America/New_York' }],
    [monday + 3, 16, 0, 60, { badge: 'removed', reason: 'removed_by_you' }],
    [monday + 4, 11, 0, 90, kind === 'error' ? { badge: 'problem', reason: 'writes_failed' } : {}],
    [
      monday + 4,
      14,
      30,
      45,
      {
        private: true,
        title: 'Beschäftigt',
        location: null,
        badge: 'left_out',
        reason: 'private',
        checks: off('Privat', 'private'),
      },
    ],
  ];
  plan.forEach(([days, hour, minute, minutes, more], i) =>
    rows.push(appointment(i + 1, at(nowMs, days, hour, minute), minutes, more)),
  );
  const r = random(7);
  const total = kind === 'many' ? 2_000 : 42;
  for (let n = rows.length; n < total; n += 1) {
    const day = kind === 'many' ? monday + 7 + Math.floor((n - rows.length) / 4) : monday + 7 + Math.floor(r() * 40);
    const hour = 8 + Math.floor(r() * 9);
    const roll = r();
    const more: Partial<MockRow> =
      kind === 'many' && roll > 0.97
        ? { badge: 'waiting', reason: 'retrying', due_at: iso(nowMs + 4 * MINUTE) }
        : kind === 'many' && roll > 0.94
          ? { badge: 'left_out', reason: 'excluded', checks: off('Apothekenbesuch', 'excluded') }
          : {};
    rows.push(appointment(n, at(nowMs, day, hour, r() > 0.5 ? 30 : 0), 60 + Math.floor(r() * 3) * 30, more));
  }
  if (kind === 'offline' || kind === 'paused')
    for (const row of rows.slice(3, 5))
      if (row.badge === 'synced') Object.assign(row, { badge: 'waiting', reason: kind });
  return rows.sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}

/** Two checks after this one were missed, as in the working hours of the default settings. */
export const missedAfter = (ms: number): number => ms + 2.5 * 15 * MINUTE;

export function beats(nowMs: number, options: { asleep?: boolean; problem?: boolean; until?: number } = {}): Beat[] {
  const r = random(3);
  const found: Beat[] = [];
  for (let back = 95; back >= 0; back -= 1) {
    const ms = nowMs - 2 * MINUTE - back * 15 * MINUTE;
    if (options.until && ms > options.until) continue;
    // The night: the laptop lid is closed.
    if (options.asleep !== false && back > 38 && back < 76) continue;
    const roll = r();
    const failed = options.problem !== false && back === 19;
    found.push({
      run_id: `run_${96 - back}`,
      at: iso(ms),
      missed_at: iso(missedAfter(ms)),
      result: failed ? 'partial' : 'success',
      changes: failed ? 2 : roll > 0.76 ? 1 + Math.floor(r() * 4) : 0,
      problem: failed ? 'google_unreachable' : null,
    });
  }
  return found;
}

export function conflictsFor(nowMs: number): ConflictView[] {
  const monday = 1 + ((7 - new Date(nowMs).getUTCDay()) % 7);
  const time = (days: number, hour: number, minutes: number, zone = ZONE) => {
    const start = at(nowMs, days, hour);
    return { kind: 'time' as const, start: iso(start), end: iso(start + minutes * MINUTE), zone };
  };
  const text = (value: string) => ({ kind: 'text' as const, text: value });
  return [
    {
      id: 'cf_1',
      appointment_id: 'apt_3',
      title: 'Rosen-Apotheke',
      kind: 'time_change',
      cause: 'both_changed',
      refusal_reason: null,
      refusal_detail: null,
      fields: [
        {
          field: 'time',
          reported: true,
          before: time(monday, 10, 60),
          platform: time(monday, 11, 60),
          calendar: time(monday, 13, 60),
        },
      ],
      same_fields: ['title', 'location', 'notes'],
      seen: { version: 7, etag: '"e1"' },
      platform_changed_at: iso(nowMs - 31 * MINUTE),
      platform_changed_by: 'Jana Roth',
      calendar_changed_at: iso(nowMs - 26 * MINUTE),
      raised_at: iso(nowMs - 25 * MINUTE),
      choices: ['keep_platform', 'keep_calendar', 'most_recent', 'set_time', 'stop_syncing'],
    },
    {
      id: 'cf_2',
      appointment_id: 'apt_7',
      title: 'Adler-Apotheke',
      kind: 'refused',
      cause: 'refused',
      refusal_reason: 'outside_hours',
      refusal_detail: 'Die Adler-Apotheke hat mittwochs ab 13 Uhr geschlossen.',
      fields: [
        {
          field: 'time',
          reported: true,
          before: time(monday + 2, 10, 60),
          platform: time(monday + 2, 10, 60),
          calendar: time(monday + 2, 14, 60),
        },
      ],
      same_fields: ['title', 'location', 'notes'],
      seen: { version: 3, etag: '"e2"' },
      platform_changed_at: null,
      platform_changed_by: null,
      calendar_changed_at: iso(nowMs - 12 * MINUTE),
      raised_at: iso(nowMs - 11 * MINUTE),
      choices: ['keep_platform', 'set_time', 'stop_syncing'],
    },
    {
      id: 'cf_3',
      appointment_id: 'apt_9',
      title: 'Apotheke im Gesundheitszentrum Süd',
      kind: 'data_mismatch',
      cause: 'both_changed',
      refusal_reason: null,
      refusal_detail: null,
      fields: [
        {
          field: 'time',
          reported: true,
          before: time(monday + 3, 16, 60),
          platform: time(monday + 3, 16, 90),
          calendar: time(monday + 3, 17, 60),
        },
        {
          field: 'location',
          reported: false,
          before: text('Mariendorfer Damm 301, 12107 Berlin'),
          platform: text('Mariendorfer Damm 301, Aufgang B, 12107 Berlin'),
          calendar: text('Mariendorfer Damm 303, 12107 Berlin (Hofeingang)'),
        },
        {
          field: 'notes',
          reported: false,
          before: text('Handzettel mitbringen.'),
          platform: text('Handzettel und Plakate mitbringen. Frau Klein fragt nach dem Impfkurs.'),
          calendar: text('Handzettel mitbringen, Beamer testen.'),
        },
      ],
      same_fields: ['title'],
      seen: { version: 12, etag: '"e3"' },
      platform_changed_at: iso(nowMs - 3 * 60 * MINUTE),
      platform_changed_by: 'Jana Roth',
      calendar_changed_at: iso(nowMs - 5 * 60 * MINUTE),
      raised_at: iso(nowMs - 3 * 60 * MINUTE),
      choices: ['keep_platform', 'keep_calendar', 'most_recent', 'merge', 'set_time', 'stop_syncing'],
    },
  ];
}

export const question = (nowMs: number): QuestionView => ({
  id: 'q_1',
  kind: 'removed_in_calendar',
  count: 38,
  items: Array.from({ length: 12 }, (_, i) => {
    const [title] = PLACES[i % PLACES.length] ?? ['?'];
    return { appointment_id: `apt_${i + 1}`, title, start: iso(at(nowMs, 3 + i, 9)), why: 'removed_in_calendar' };
  }),
  groups: [{ why: 'removed_in_calendar', count: 38 }],
  asked_at: iso(nowMs - 4 * MINUTE),
});

/** Deletions the guard asks about, for two reasons. */
export const massDeletion = (nowMs: number): QuestionView => ({
  id: 'q_2',
  kind: 'inferred_deletions',
  count: 9,
  items: Array.from({ length: 9 }, (_, i) => {
    const [title] = PLACES[i % PLACES.length] ?? ['?'];
    return {
      appointment_id: `apt_${i + 9}`,
      title,
      start: iso(at(nowMs, 2 + i, 10)),
      why: i < 6 ? 'rules_changed' : 'absent',
    };
  }),
  groups: [
    { why: 'rules_changed', count: 6 },
    { why: 'absent', count: 3 },
  ],
  asked_at: iso(nowMs - 3 * MINUTE),
});

/** Three events that would go although nobody said so. */
export const heldFor = (nowMs: number): HeldView[] =>
  [0, 1, 2].map((i) => ({
    appointment_id: `apt_${i + 2}`,
    title: PLACES[i + 1]?.[0] ?? '?',
    start: iso(at(nowMs, 2 + i, 9 + i)),
    cause: i < 2 ? 'rules_changed' : 'absent',
    until: iso(nowMs + (21 + i) * 60 * MINUTE),
  }));

export function historyFor(nowMs: number, problem: boolean): HistoryRow[] {
  const time = (days: number, hour: number) => ({
    kind: 'time' as const,
    start: iso(at(nowMs, days, hour)),
    end: iso(at(nowMs, days, hour + 1)),
    zone: ZONE,
  });
  const row = (id: number, ago: number, what: string, more: Partial<HistoryRow>): HistoryRow => ({
    id: `h_${id}`,
    run_id: `run_${96 - Math.floor(ago / 15)}`,
    at: iso(nowMs - ago * MINUTE),
    appointment_id: `apt_${(id % 40) + 1}`,
    title: PLACES[id % PLACES.length]?.[0] ?? null,
    what,
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
    request_id: `req-7f3a${id}`,
    retry_at: null,
    restorable: what === 'moved_back' || what === 'changed',
    edit_lost: false,
    ...more,
  });
  return [
    ...(problem
      ? [
          row(1, 3, 'write_failed', {
            result: 'problem',
            problem: 'google_unreachable',
            source: 'roundtrip',
            detail: '503 backendError',
          }),
          row(2, 5, 'write_failed', {
            result: 'problem',
            problem: 'quota_gone',
            source: 'roundtrip',
            detail: '403 quotaExceeded',
          }),
        ]
      : []),
    row(3, 4, 'changed', { from: time(2, 10), to: time(2, 11) }),
    row(4, 26, 'conflict_raised', { word: 'time_change', source: 'roundtrip', result: 'waiting' }),
    row(5, 50, 'moved_back', { from: time(4, 9), to: time(4, 10), source: 'you', admin_notified: true }),
    row(6, 51, 'refused', {
      source: 'platform',
      result: 'problem',
      word: 'outside_hours',
      detail: 'Die Adler-Apotheke hat mittwochs ab 13 Uhr geschlossen.',
    }),
    row(7, 62, 'added', { to: time(9, 14) }),
    row(8, 63, 'changed', { fields: ['location', 'notes'] }),
    row(9, 200, 'deleted', { word: 'cancelled' }),
    row(10, 320, 'removed_in_calendar', { source: 'you' }),
    row(11, 1500, 'conflict_resolved', { source: 'you', word: 'keep_calendar' }),
    row(12, 1600, 'merged', { fields: ['time', 'notes'] }),
    ...Array.from({ length: 24 }, (_, i) => row(20 + i, 2900 + i, 'added', { to: time(3 + i, 9) })),
    row(60, 2950, 'connected', { word: 'google', appointment_id: null, title: null, source: 'you' }),
    row(61, 2960, 'connected', { word: 'platform', appointment_id: null, title: null, source: 'you' }),
  ];
}

/** Months of a busy trainer: what the window must not become slow with. */
export function longHistory(nowMs: number, length: number): HistoryRow[] {
  const some = historyFor(nowMs, false).filter((row) => row.appointment_id);
  return Array.from({ length }, (_, i): HistoryRow => {
    const row = some[i % some.length] as HistoryRow;
    const ago = 3000 + i * 4;
    return { ...row, id: `h_long_${i}`, at: iso(nowMs - ago * MINUTE), run_id: `run_long_${Math.floor(i / 12)}` };
  });
}

export function runsFor(nowMs: number): RunRow[] {
  return beats(nowMs)
    .map((beat, i): RunRow => ({
      id: beat.run_id,
      trigger: i % 11 === 0 ? 'manual' : i % 7 === 0 ? 'hint' : i === 20 ? 'wake_up' : 'timer',
      started_at: beat.at,
      ended_at: iso(Date.parse(beat.at) + 900 + (i % 5) * 700),
      result: beat.result,
      added: beat.changes > 2 ? 1 : 0,
      changed: beat.changes > 2 ? beat.changes - 1 : beat.changes,
      removed: 0,
      moved_back: i % 17 === 0 && beat.changes ? 1 : 0,
      conflicts: 0,
      problems: beat.problem ? 1 : 0,
      platform_requests: 1 + beat.changes,
      calendar_requests: 1 + beat.changes,
      problem: beat.problem,
      checks: 1,
    }))
    .reverse();
}

export const settingsFor = (): SettingsView => ({
  enabled: true,
  direction: 'both',
  every_minutes: 15,
  calendar_id: 'primary',
  notes: true,
  client_names: false,
  client_contact: false,
  client_names_allowed: true,
  privacy: 'full',
  include_private: false,
  time_policy: 'ask',
  text_policy: 'ask',
  types: [
    { id: 'pharmacy_visit', name: 'Apothekenbesuch', on: true, count: 112 },
    { id: 'online', name: 'Online-Termin', on: false, count: 24 },
    { id: 'workshop', name: 'Workshop', on: true, count: 6 },
  ],
  clients: [],
  excluded: [],
  dates: { from: null, until: null },
  weekdays_off: [],
  hours: { from: null, until: null },
  own_rules: [],
  left_out: 'remove',
  color: null,
  fallback_title: null,
  created_externally: false,
  created_externally_allowed: true,
  mark_tag: '#linden',
  letter_keys: true,
  motion: 'system',
  daily_summary: false,
  theme: 'system',
  language: 'system',
  autostart: null,
  titles_in_notifications: false,
  matching: 118,
  total: 142,
});

export function previewFor(rows: AppointmentRow[]): Preview {
  const added = rows.filter((r) => r.badge !== 'left_out').slice(0, 24);
  return {
    added: added.length,
    changed: 0,
    removed: 0,
    moved_back: 0,
    left_out: [
      { reason: 'type_off', count: 3 },
      { reason: 'private', count: 1 },
    ],
    matching: added.length,
    total: added.length + 4,
    items: added.map(({ title, start, end, zone }) => ({
      action: 'added',
      title,
      start,
      end,
      zone,
      from: null,
      title_before: null,
      fields: [],
    })),
  };
}

export const emptyOverview = (): Overview => ({
  state: 'not_connected',
  as_of: null,
  next_sync_at: null,
  paused_until: null,
  paused_for_ever: false,
  enabled: true,
  pushed: false,
  problem: null,
  platform: null,
  calendar: null,
  started: false,
  first_run_at: null,
  time_zone: ZONE,
  counts: { appointments: 0, synced: 0, waiting: 0, left_out: 0, conflicts: 0, problems: 0, unreadable: 0 },
  progress: null,
  heartbeat: [],
  next: [],
  week: [],
  questions: [],
  held: [],
  conflicts: [],
  other_writer: null,
  latest: null,
  tokens_volatile: false,
});
