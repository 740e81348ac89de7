import type {
  Account,
  AppointmentRow,
  ConflictView,
  GlanceDay,
  HistoryRow,
  Overview,
  Problem,
  QuestionView,
  RunRow,
  SettingsView,
  SignInView,
} from '$lib/bindings';
import { addDays, dayKey } from '$lib/i18n/time';
import { agendaScenario } from './areas/agenda';
import {
  appointmentsFor,
  beats,
  conflictsFor,
  emptyOverview,
  historyFor,
  iso,
  listed,
  longHistory,
  heldFor,
  massDeletion,
  question,
  runsFor,
  settingsFor,
  ZONE,
  type MockRow,
} from './data';
import { everyConflict, manyConflicts } from './conflicts';

export const SCENARIOS = [
  'fresh',
  'onboarding-google',
  'preview',
  'healthy',
  'conflicts',
  'every-conflict',
  'many-conflicts',
  'offline',
  'reauth',
  'paused',
  'question',
  'held',
  'many',
  'busy',
  'empty',
  'error',
  'syncing',
  'second-laptop',
  'starting',
  'agenda',
  'silent',
  'keychain',
  'rebuilt',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** What the app behind the window would know. */
export type Model = {
  overview: Overview;
  rows: MockRow[];
  conflicts: ConflictView[];
  questions: QuestionView[];
  history: HistoryRow[];
  runs: RunRow[];
  settings: SettingsView;
  signIn: SignInView | null;
};

const MINUTE = 60_000;

export const platformAccount = (nowMs: number, more: Partial<Account> = {}): Account => ({
  service: 'platform',
  name: 'Linden Akademie',
  email: 'mara.vogt@linden-akademie.example',
  status: 'active',
  scopes: ['appointments.read', 'appointments.write', 'calendar_sync'],
  last_read_at: iso(nowMs - 2 * MINUTE),
  calendar_id: null,
  url: 'https://platform.example',
  ...more,
});

export const googleAccount = (nowMs: number, more: Partial<Account> = {}): Account => ({
  service: 'google',
  name: 'Google Calendar',
  email: 'mara.vogt@mail.example',
  status: 'active',
  scopes: ['openid', 'email', 'calendar.events'],
  last_read_at: iso(nowMs - 2 * MINUTE - 17_000),
  calendar_id: 'primary',
  url: null,
  ...more,
});

export function model(scenario: Scenario, nowMs: number): Model {
  const many = scenario === 'many' || scenario === 'busy';
  const kind = many
    ? 'many'
    : scenario === 'conflicts' || scenario === 'error' || scenario === 'paused' || scenario === 'offline'
      ? scenario
      : 'healthy';
  const before =
    scenario === 'fresh' || scenario === 'rebuilt' || scenario === 'onboarding-google' || scenario === 'preview';
  const full = scenario === 'agenda' ? agendaScenario(nowMs) : undefined;
  const rows = full?.rows ?? (scenario === 'empty' ? [] : appointmentsFor(nowMs, kind));
  if (scenario === 'fresh' || scenario === 'rebuilt' || scenario === 'onboarding-google')
    rows.forEach((r) => Object.assign(r, { badge: 'waiting', reason: 'not_started' }));
  const conflicts =
    full?.conflicts ??
    (scenario === 'conflicts'
      ? conflictsFor(nowMs)
      : scenario === 'every-conflict'
        ? everyConflict(nowMs)
        : scenario === 'many-conflicts'
          ? manyConflicts(nowMs)
          : []);
  const questions = scenario === 'question' ? [question(nowMs)] : scenario === 'held' ? [massDeletion(nowMs)] : [];
  const history = before || scenario === 'empty' ? [] : historyFor(nowMs, scenario === 'error');
  if (many) history.push(...longHistory(nowMs, 10_000 - history.length));
  const made: Model = {
    overview: emptyOverview(),
    rows,
    conflicts,
    questions,
    history,
    runs: before ? [] : runsFor(nowMs),
    settings: settingsFor(),
    signIn: null,
  };
  const o = made.overview;
  if (scenario === 'rebuilt')
    o.problem = problem('database_rebuilt', null, 'none', nowMs, {
      detail: 'roundtrip.damaged-20261121T080000Z.db',
      since: null,
    });
  if (scenario === 'fresh' || scenario === 'rebuilt') return made;
  o.platform = platformAccount(nowMs, before ? { last_read_at: null } : {});
  if (scenario === 'onboarding-google') return made;
  o.calendar = googleAccount(nowMs, before ? { last_read_at: null } : {});
  if (scenario === 'preview') return made;

  o.started = true;
  o.first_run_at = iso(nowMs - (scenario === 'empty' ? 33 * MINUTE : 40 * 24 * 60 * MINUTE));
  o.state = 'up_to_date';
  o.as_of = iso(nowMs - 2 * MINUTE - 17_000);
  o.next_sync_at = iso(nowMs + 13 * MINUTE);
  o.heartbeat =
    scenario === 'empty' ? beats(nowMs, { asleep: false, problem: false, until: nowMs }).slice(-3) : beats(nowMs);
  if (scenario === 'held') o.held = heldFor(nowMs);
  o.latest = history.find((h) => h.result === 'ok') ?? null;
  switch (scenario) {
    case 'agenda':
    case 'conflicts':
    case 'every-conflict':
    case 'many-conflicts':
    case 'held':
    case 'question':
      o.state = 'needs_attention';
      break;
    case 'offline':
      o.state = 'offline';
      o.as_of = iso(nowMs - 48 * MINUTE);
      o.heartbeat = beats(nowMs, { until: nowMs - 45 * MINUTE });
      break;
    case 'paused':
      o.state = 'paused';
      o.paused_until = iso(nowMs + 74 * MINUTE);
      o.next_sync_at = null;
      break;
    case 'reauth':
      o.state = 'needs_attention';
      o.calendar = googleAccount(nowMs, { status: 'needs_reauth', last_read_at: iso(nowMs - 3 * 60 * MINUTE) });
      o.problem = problem('google_reauth', 'google', 'reconnect_google', nowMs, { detail: 'invalid_grant' });
      break;
    case 'error':
      // One service that cannot be reached is waited for, as the app does.
      o.state = 'offline';
      o.problem = problem('google_unreachable', 'google', 'try_again', nowMs, {
        detail: '503 backendError',
        retry_at: iso(nowMs + 4 * MINUTE),
      });
      break;
    case 'silent':
      // For two awake hours nothing came from Google, and nobody knows how much is missing.
      o.state = 'needs_attention';
      o.as_of = iso(nowMs - 171 * MINUTE);
      o.calendar = googleAccount(nowMs, { last_read_at: o.as_of });
      // Awake all the time, and trying.
      o.heartbeat = beats(nowMs).map((beat) =>
        Date.parse(beat.at) > nowMs - 170 * MINUTE ? { ...beat, result: 'partial', problem: 'server_trouble' } : beat,
      );
      o.problem = problem('no_success_2h_google', 'google', 'try_again', nowMs, {
        detail: 'server_trouble',
        since: o.as_of,
      });
      break;
    case 'keychain':
      o.state = 'needs_attention';
      o.as_of = iso(nowMs - 25 * MINUTE);
      o.platform = platformAccount(nowMs, { last_read_at: o.as_of });
      o.calendar = googleAccount(nowMs, { last_read_at: o.as_of });
      o.problem = problem('keychain', null, 'try_again', nowMs, { detail: null });
      break;
    case 'second-laptop':
      o.other_writer = { device: 'Maras ThinkPad', since: iso(nowMs - 90 * MINUTE) };
      o.state = 'needs_attention';
      o.problem = problem('not_the_writer', null, 'take_over', nowMs);
      break;
    case 'busy':
    case 'syncing':
      o.state = 'syncing';
      o.progress = { done: 17, total: 42 };
      break;
    case 'starting':
      o.state = 'starting';
      break;
  }
  settle(made, nowMs);
  return made;
}

const problem = (
  code: string,
  service: string | null,
  action: string,
  nowMs: number,
  more: Partial<Problem> = {},
): Problem => ({
  code,
  service,
  detail: null,
  since: iso(nowMs - 22 * MINUTE),
  retry_at: null,
  action,
  ...more,
});

/** As the app tells them: eight days from today in the trainer's zone, a crowded one with its first rows only. */
function glance(rows: MockRow[], nowMs: number): GlanceDay[] {
  const today = dayKey(nowMs, ZONE);
  const days = Array.from({ length: 8 }, (_, i): GlanceDay => ({ day: addDays(today, i), count: 0, rows: [] }));
  const end = nowMs + 9 * 24 * 60 * MINUTE;
  for (const row of rows) {
    const day = Date.parse(row.start) < end ? days.find((d) => d.day === dayKey(row.start, ZONE)) : undefined;
    if (!day) continue;
    day.count += 1;
    if (day.rows.length < 36) day.rows.push(listed(row));
  }
  return days;
}

/** Brings the numbers into line with the rows. */
export function settle(made: Model, nowMs: number): void {
  const o = made.overview;
  const count = (badge: AppointmentRow['badge']) => made.rows.filter((r) => r.badge === badge).length;
  o.counts = {
    appointments: made.rows.length - count('ended'),
    synced: count('synced'),
    waiting: count('waiting') + count('syncing'),
    left_out: count('left_out'),
    conflicts: count('conflict'),
    problems: count('problem'),
    unreadable: made.rows.filter((r) => r.badge === 'problem' && r.reason === 'unreadable').length,
  };
  o.conflicts = made.conflicts;
  o.questions = made.questions;
  o.next = o.started ? made.rows.slice(0, 8).map(listed) : [];
  o.week = glance(made.rows, nowMs);
  if (
    o.state === 'needs_attention' &&
    !o.problem &&
    !made.conflicts.length &&
    !made.questions.length &&
    !o.counts.problems
  )
    o.state = 'up_to_date';
}
