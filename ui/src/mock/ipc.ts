import { emit } from '@tauri-apps/api/event';
import { mockIPC, mockWindows } from '@tauri-apps/api/mocks';
import type {
  AppError,
  FieldChoice,
  HistoryQuery,
  ResolutionInput,
  SettingsPatch,
  SignInView,
  ValueView,
} from '$lib/bindings';
import type { Args } from './area';
import { agenda } from './areas/agenda';
import { decisions } from './areas/decisions';
import { history as past } from './areas/history';
import { privacy } from './areas/privacy';
import { settings } from './areas/settings';
import { shell } from './areas/shell';
import { iso, missedAfter, previewFor } from './data';
import { googleAccount, model, platformAccount, settle, type Model, type Scenario } from './model';

type Options = {
  language?: string;
  theme?: string;
  slowMs?: number;
  now?: () => number;
  /** Comes before each answer: to hold it back, or to refuse. */
  before?: (command: string) => unknown;
};

const refuse = (code: string, more: Partial<AppError> = {}): never => {
  throw { code, detail: null, field: null, retryable: false, ...more } satisfies AppError;
};

/** Stands in for the app; returns its state, so that a test can change it and say so. */
export function start(
  scenario: Scenario,
  options: Options = {},
): { state: Model; changed: (...topics: string[]) => Promise<void>; asked: (command: string) => number } {
  const now = options.now ?? Date.now;
  const state = model(scenario, now());
  if (options.language) state.settings.language = options.language;
  let hintSeen = scenario !== 'preview' && scenario !== 'fresh';
  if (options.theme) state.settings.theme = options.theme;

  const changed = async (...topics: string[]) => {
    settle(state, now());
    await emit('state-changed', { topics });
  };
  const later = (ms: number, run: () => void) => setTimeout(run, ms);
  const row = (id: unknown) => state.rows.find((r) => r.id === id) ?? refuse('unknown');

  function run(total: number) {
    const o = state.overview;
    o.state = 'syncing';
    o.progress = { done: 0, total };
    void changed('overview');
    const step = () => {
      if (o.state !== 'syncing' || !o.progress) return;
      o.progress = { total, done: Math.min(total, o.progress.done + Math.max(1, Math.round(total / 9))) };
      void emit('sync-progress', o.progress);
      if (o.progress.done < total) return void later(160, step);
      o.state = 'up_to_date';
      o.progress = null;
      o.as_of = iso(now());
      o.next_sync_at = iso(now() + state.settings.every_minutes * 60_000);
      for (const r of state.rows) if (r.badge === 'waiting') Object.assign(r, { badge: 'synced', reason: null });
      for (const account of [o.platform, o.calendar]) if (account) account.last_read_at = iso(now());
      o.heartbeat.push({
        run_id: `run_${o.heartbeat.length + 200}`,
        at: iso(now()),
        missed_at: iso(missedAfter(now())),
        result: 'success',
        changes: total,
        problem: null,
      });
      if (state.conflicts.length || state.questions.length) o.state = 'needs_attention';
      void changed('overview', 'appointments', 'history', 'run');
    };
    later(300, step);
  }

  function signIn(service: string, address: unknown): SignInView {
    const text = typeof address === 'string' ? address : '';
    if (service === 'platform' && /nirgends|nowhere/.test(text)) refuse('no_platform', { field: 'address' });
    state.signIn = {
      service,
      state: 'waiting',
      url: `https://${service}.example/authorize?state=abc`,
      problem: /nobrowser/.test(text) ? 'no_browser' : null,
      accounts: null,
    };
    later(1800, () => {
      if (state.signIn?.state !== 'waiting') return;
      state.signIn = { ...state.signIn, state: 'done', url: null, problem: null };
      const o = state.overview;
      if (service === 'platform') o.platform = platformAccount(now(), { last_read_at: o.started ? iso(now()) : null });
      else o.calendar = googleAccount(now(), { last_read_at: o.started ? iso(now()) : null });
      if (o.problem?.service === service) {
        o.problem = null;
        o.state = 'up_to_date';
      }
      void emit('sign-in-changed', state.signIn).then(() => changed('overview'));
    });
    return state.signIn;
  }

  function resolve(args: Args) {
    const found = state.conflicts.find((c) => c.id === args.id);
    if (!found) return refuse('conflict_gone');
    const seen = args.seen as { version: number | null };
    if (seen.version !== found.seen.version) return found;
    const resolution = args.resolution as ResolutionInput;
    const time = found.fields.find((f) => f.field === 'time');
    const owner = state.rows.find((r) => r.id === found.appointment_id);
    state.conflicts = state.conflicts.filter((c) => c !== found);
    if (owner) {
      const chosen = time && chosenTime(resolution, time.platform, time.calendar);
      Object.assign(owner, {
        conflict_id: null,
        badge: resolution.kind === 'stop_syncing' ? 'left_out' : 'waiting',
        reason: resolution.kind === 'stop_syncing' ? 'stopped' : 'settling',
        ...chosen,
      });
    }
    void changed('overview', 'conflicts', 'appointments', 'history');
    return null;
  }

  function change(patch: SettingsPatch) {
    const s = state.settings;
    for (const [key, v] of Object.entries(patch)) {
      if (v === null || v === undefined) continue;
      if (key === 'types_off') for (const t of s.types) t.on = !(v as string[]).includes(t.id);
      else if (key === 'clients_off') for (const t of s.clients) t.on = !(v as string[]).includes(t.id);
      else Object.assign(s, { [key]: v });
    }
    s.matching = s.types.filter((t) => t.on).reduce((sum, t) => sum + t.count, 0);
    void changed('settings', 'overview');
    return state.overview.platform && state.overview.calendar ? structuredClone(s) : refuse('not_connected');
  }

  function history(q: HistoryQuery) {
    return state.history
      .filter(
        (h) =>
          (!q.result || h.result === q.result) &&
          (!q.appointment_id || h.appointment_id === q.appointment_id) &&
          (!q.run_id || h.run_id === q.run_id),
      )
      .filter((h) => !q.before || h.at < q.before)
      .slice(0, q.limit);
  }

  const commands: Record<string, (args: Args) => unknown> = {
    get_overview: () => (settle(state, now()), structuredClone(state.overview)),
    list_conflicts: () => structuredClone(state.conflicts),
    resolve_conflict: resolve,
    answer_question: ({ id }) => {
      state.questions = state.questions.filter((q) => q.id !== id);
      void changed('overview');
    },
    answer_held: ({ appointmentIds }) => {
      const answered = appointmentIds as string[];
      state.overview.held = state.overview.held.filter((one) => !answered.includes(one.appointment_id));
      void changed('overview');
    },
    list_history: ({ query }) => structuredClone(history(query as HistoryQuery)),
    list_runs: ({ limit }) => structuredClone(state.runs.slice(0, limit as number)),
    // As in the app: settings of the sync exist once both accounts do.
    get_settings: () =>
      state.overview.platform && state.overview.calendar ? structuredClone(state.settings) : refuse('not_connected'),
    change_settings: ({ patch }) => change(patch as SettingsPatch),
    preview_settings: ({ patch }) => {
      const p = patch as SettingsPatch;
      const removed =
        (p.types_off?.length ?? 0) > state.settings.types.filter((t) => !t.on).length &&
        state.settings.left_out === 'remove'
          ? 6
          : 0;
      return {
        ...previewFor(state.rows),
        added: 0,
        removed,
        items: previewFor(state.rows)
          .items.slice(0, removed)
          .map((i) => ({ ...i, action: 'removed' })),
        left_out: [],
      };
    },
    preview_start: () => previewFor(state.rows),
    start_syncing: () => {
      state.overview.started = true;
      run(24);
    },
    sync_now: () => run(6),
    network_is_back: () => {},
    cancel_sync: () => {
      state.overview.state = 'up_to_date';
      state.overview.progress = null;
      void changed('overview');
    },
    pause: ({ minutes }) => {
      const o = state.overview;
      o.state = 'paused';
      o.paused_until = minutes === null ? null : iso(now() + (minutes as number) * 60_000);
      o.paused_for_ever = minutes === null;
      void changed('overview');
    },
    resume: () => {
      Object.assign(state.overview, { paused_until: null, paused_for_ever: false });
      run(3);
    },
    put_back: ({ appointmentId }) => {
      Object.assign(row(appointmentId), { badge: 'waiting', reason: null });
      void changed('overview', 'appointments');
    },
    retry: () => void changed('history', 'overview'),
    exclude: ({ appointmentId, excluded }) => {
      Object.assign(
        row(appointmentId),
        excluded ? { badge: 'left_out', reason: 'excluded' } : { badge: 'waiting', reason: 'settling' },
      );
      void changed('overview', 'appointments');
    },
    begin_sign_in: ({ service, address }) => signIn(service as string, address),
    sign_in_state: () => state.signIn,
    cancel_sign_in: () => {
      state.signIn = null;
    },
    open_sign_in_again: () => undefined,
    confirm_other_account: ({ accept, evenSo }) => {
      const moves = state.rows.filter((r) => r.reason === 'retrying').length;
      if (accept && moves && !evenSo) refuse('moves_waiting', { detail: String(moves) });
    },
    disconnect: ({ service, deleteEvents, evenSo }) => {
      const moves = state.rows.filter((r) => r.reason === 'retrying').length;
      if (deleteEvents && moves && !evenSo) refuse('moves_waiting', { detail: String(moves) });
      if (service === 'google') state.overview.calendar = null;
      else state.overview.platform = null;
      Object.assign(state.overview, { started: false, state: 'not_connected' });
      void changed('overview');
      return false;
    },
    take_over: () => {
      Object.assign(state.overview, { other_writer: null, problem: null, state: 'up_to_date' });
      void changed('overview');
    },
    choose_calendar: ({ id }) => void change({ calendar_id: id as string }),
    open_link: () => undefined,
    run_doctor: () =>
      ['network', 'clock', 'platform_sign_in', 'google_sign_in', 'calendar_rights', 'database', 'keychain', 'tray'].map(
        (check) => {
          const bad = state.overview.problem?.code === 'google_reauth' && check === 'google_sign_in';
          return {
            check,
            result: bad ? 'problem' : 'ok',
            problem: bad ? 'google_reauth' : null,
            detail: bad ? 'invalid_grant' : null,
          };
        },
      ),
    window_ready: () => null,
    hide_hint_seen: () => {
      hintSeen = true;
    },
    quit: () => undefined,
    app_info: () => ({
      version: '0.1.0',
      system_language: options.language ?? 'en',
      language: state.settings.language,
      theme: state.settings.theme,
      system_theme: 'light',
      hide_hint_seen: hintSeen,
      platform_url: null,
      google_client: true,
    }),
  };

  // What two areas play, both see: a retry concerns the agenda's badges and the history's lines.
  const played = new Map<string, (args: Args) => unknown>();
  for (const area of [shell, decisions, agenda, past, settings, privacy])
    for (const [name, handler] of Object.entries(area({ state, now, changed, refuse }))) {
      const before = played.get(name);
      const both = before ? (args: Args) => (before(args), handler(args)) : handler;
      played.set(name, both);
      commands[name] = both;
    }

  // A run that never ends, so that what the window does can be measured while it is told of it all the time.
  if (scenario === 'busy') {
    const telling = setInterval(() => {
      // A test's page may be gone before its last turn.
      if (typeof window === 'undefined') return clearInterval(telling);
      const p = state.overview.progress ?? { done: 0, total: 400 };
      state.overview.progress = { total: 400, done: (p.done + 1) % 400 };
      void emit('sync-progress', state.overview.progress);
      if (p.done % 10 === 0) void changed('overview', 'appointments', 'history');
    }, 100);
  }

  const counted = new Map<string, number>();
  mockWindows('main');
  mockIPC(
    async (command, args) => {
      const handler = commands[command];
      if (!handler) throw new Error(`no such command: ${command}`);
      counted.set(command, (counted.get(command) ?? 0) + 1);
      if (options.slowMs) await new Promise((done) => setTimeout(done, options.slowMs));
      if (options.before) await options.before(command);
      return (handler((args ?? {}) as Args) ?? null) as never;
    },
    { shouldMockEvents: true },
  );
  return { state, changed, asked: (command) => counted.get(command) ?? 0 };
}

function chosenTime(
  resolution: ResolutionInput,
  platform: ValueView,
  calendar: ValueView,
): { start: string; end: string } | undefined {
  const set = resolution.kind === 'merge' ? resolution.choices.find((c: FieldChoice) => c.field === 'time') : undefined;
  if (set?.start && set.end) return { start: set.start, end: set.end };
  const side = resolution.kind === 'keep_platform' || set?.choice === 'platform' ? platform : calendar;
  return resolution.kind !== 'stop_syncing' && side.kind === 'time' ? { start: side.start, end: side.end } : undefined;
}
