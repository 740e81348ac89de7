import type {
  AppointmentRow,
  AuditRow,
  CheckView,
  ConnectionView,
  OwnRuleView,
  Preview,
  PreviewItem,
  RuleCheck,
  SettingsPatch,
  SettingsView,
} from '$lib/bindings';
import { figuresFor } from './figures';
import { clock, dayKey } from '$lib/i18n/time';
import { offline } from '$lib/overview/status';
import type { Area, Args } from '../area';
import { iso } from '../data';
import { withoutNone, writtenBefore } from './filters';

const KINDS: Record<string, string> = {
  pharmacy_visit: 'Apothekenbesuch',
  online: 'Online-Termin',
  workshop: 'Workshop',
};
const idOf = (kind: string) => Object.entries(KINDS).find(([, name]) => name === kind)?.[0] ?? 'pharmacy_visit';

const textOf = (row: AppointmentRow, field: string): string =>
  field === 'title' ? row.title : field === 'location' ? (row.location ?? '') : field === 'type' ? row.kind : '';

function matcher(rule: OwnRuleView): ((text: string) => boolean) | { problem: string; detail: string | null } {
  const text = rule.text.trim();
  if (!text) return { problem: 'empty', detail: null };
  if (text.length > 200) return { problem: 'too_long', detail: null };
  if (rule.pattern === 'contains') return (t) => t.toLowerCase().includes(text.toLowerCase());
  if (rule.pattern === 'starts_with') return (t) => t.toLowerCase().startsWith(text.toLowerCase());
  try {
    const expression = new RegExp(text, 'iu');
    return (t) => expression.test(t);
  } catch {
    // The app's library names the place; the browser's words would differ from engine to engine.
    return { problem: 'bad_expression', detail: 'unclosed group' };
  }
}

function ruleMatches(rule: OwnRuleView, row: AppointmentRow): boolean {
  const match = matcher(rule);
  return typeof match === 'function' && match(textOf(row, rule.field));
}

/** Why a row is left out under these settings; none if it passes. */
export function leftOut(s: SettingsView, row: AppointmentRow): string | undefined {
  if (row.private && !s.include_private) return 'private';
  if (s.types.some((t) => !t.on && t.id === idOf(row.kind))) return 'type_off';
  if (s.excluded.includes(row.id)) return 'excluded';
  const day = dayKey(row.start, row.zone);
  if ((s.dates.from && day < s.dates.from) || (s.dates.until && day > s.dates.until)) return 'outside_dates';
  if (s.weekdays_off.includes((new Date(`${day}T12:00:00Z`).getUTCDay() + 6) % 7)) return 'weekday_off';
  const at = (time: string) => clock(time, row.zone).padStart(5, '0');
  if ((s.hours.from && at(row.start) < s.hours.from) || (s.hours.until && at(row.end) > s.hours.until))
    return 'outside_hours';
  return s.own_rules.some((rule) => ruleMatches(rule, row)) ? 'own_rule' : undefined;
}

/** The event's title under these settings. */
export const titleUnder = (s: SettingsView, row: AppointmentRow): string =>
  row.private || s.privacy === 'busy' ? 'Beschäftigt' : s.privacy === 'type_only' ? row.kind : row.title;

/** Stands in for the app where it is about filters, rules and diagnostics. */
export const settings: Area = ({ state, now, changed, refuse }) => {
  const TEXT = ['notes', 'client_names', 'client_contact', 'privacy', 'color', 'fallback_title'] as const;
  // Some of the later visits are workshops, so that each type has something to lose.
  state.rows.forEach((row, i) => {
    if (i > 12 && i % 6 === 2 && row.badge === 'synced') row.kind = 'Workshop';
  });
  const connected = () => !!state.overview.platform && !!state.overview.calendar;
  const count = (s: SettingsView) => {
    s.types = s.types.map((t) => ({ ...t, count: state.rows.filter((r) => idOf(r.kind) === t.id).length }));
    s.total = state.rows.length;
    s.matching = state.rows.filter((r) => !leftOut(s, r)).length;
    return s;
  };
  count(state.settings);

  function after(patch: SettingsPatch): SettingsView {
    const { types_off, clients_off, ...plain } = withoutNone(patch);
    const next: SettingsView = { ...structuredClone(state.settings), ...(plain as Partial<SettingsView>) };
    if (types_off) next.types = next.types.map((t) => ({ ...t, on: !types_off.includes(t.id) }));
    if (clients_off) next.clients = next.clients.map((t) => ({ ...t, on: !clients_off.includes(t.id) }));
    next.color ||= null;
    next.fallback_title ||= null;
    return count(next);
  }
  function check(patch: SettingsPatch): void {
    const bad = (field: string, code = 'bad_input') => refuse(code, { field });
    if (patch.every_minutes && (patch.every_minutes < 5 || patch.every_minutes > 60)) bad('every_minutes');
    if (patch.dates?.from && patch.dates.until && patch.dates.until < patch.dates.from) bad('dates');
    if (patch.hours?.from && patch.hours.until && patch.hours.until <= patch.hours.from) bad('hours');
    if (patch.own_rules?.some((r) => typeof matcher(r) !== 'function')) bad('own_rules');
    if (patch.mark_tag && patch.mark_tag.trim().length < 3) bad('mark_tag');
    if (patch.fallback_title && patch.fallback_title.length > 100) bad('fallback_title');
    if (patch.calendar_id && /nirgends|nowhere/.test(patch.calendar_id)) bad('calendar_id', 'calendar_not_found');
  }

  /** Moves that the platform does not have yet would stay behind with the calendar in use. */
  function leaveBehind(evenSo: unknown): void {
    const moves = state.rows.filter((r) => r.reason === 'retrying').length;
    if (moves && !evenSo) refuse('moves_waiting', { detail: String(moves) });
  }

  function preview(patch: SettingsPatch): Preview {
    check(patch);
    if (!connected()) refuse('not_connected');
    const before = state.settings;
    const next = after(patch);
    const items: PreviewItem[] = [];
    const item = (row: AppointmentRow, action: string, more: Partial<PreviewItem> = {}) =>
      items.push({
        action,
        title: titleUnder(next, row),
        start: row.start,
        end: row.end,
        zone: row.zone,
        from: null,
        title_before: null,
        fields: [],
        ...more,
      });
    const reasons = new Map<string, number>();
    for (const row of state.rows) {
      const reason = leftOut(next, row);
      if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      const written = writtenBefore(row) && !leftOut(before, row);
      if (written && reason && next.left_out === 'remove') item(row, 'removed', { title: titleUnder(before, row) });
      else if (!written && !reason && leftOut(before, row) && next.direction !== 'pull') item(row, 'added');
      else if (written && !reason) {
        const fields = TEXT.filter((f) => before[f] !== next[f]);
        const title = titleUnder(before, row);
        if (fields.length)
          item(row, 'changed', {
            title_before: title === titleUnder(next, row) ? null : title,
            fields: fields.flatMap((f) =>
              f === 'privacy' ? ['title', 'location', 'notes'] : f === 'color' ? ['looks'] : ['notes'],
            ),
          });
      }
    }
    const size = (action: string) => items.filter((i) => i.action === action).length;
    return {
      added: size('added'),
      changed: size('changed'),
      removed: size('removed'),
      moved_back: 0,
      left_out: [...reasons].map(([reason, n]) => ({ reason, count: n })),
      matching: next.matching,
      total: next.total,
      items,
    };
  }

  // As in the app: before both accounts are there, the settings are the defaults beside the app's own.
  const view = (): SettingsView =>
    connected()
      ? structuredClone(state.settings)
      : { ...structuredClone(state.settings), types: [], clients: [], matching: 0, total: 0 };

  function checkOne(name: string): CheckView {
    const o = state.overview;
    const result = (problem?: string, detail: string | null = null): CheckView => ({
      check: name,
      result: problem ? 'problem' : 'ok',
      problem: problem ?? null,
      detail,
    });
    if (name === 'network') return offline(o) ? result('offline') : result();
    if (offline(o) && /sign_in|rights|clock/.test(name))
      return { check: name, result: 'skipped', problem: null, detail: null };
    if (name === 'platform_sign_in') return o.platform ? result() : result('platform_not_connected');
    if (name === 'google_sign_in')
      return !o.calendar
        ? result('google_not_connected')
        : o.problem?.code === 'google_reauth'
          ? result('google_reauth', 'invalid_grant')
          : result();
    if (name === 'calendar_rights')
      return o.calendar && o.problem?.code !== 'google_reauth'
        ? result()
        : { check: name, result: 'skipped', problem: null, detail: null };
    return result();
  }

  // Long enough for a second page.
  const audit: AuditRow[] = [
    { at: 2, event: 'settings', details: '{"changed":["filters","text"]}' },
    { at: 3, event: 'export', details: '{"what":"history","lines":41,"personal":false}' },
    { at: 20, event: 'key_available', details: '{"service":"google"}' },
    { at: 21, event: 'key_unavailable', details: '{"service":"google","reason":"locked"}' },
    { at: 26, event: 'refresh_failed', details: '{"service":"google","code":"unreachable"}' },
    { at: 50, event: 'disconnect', details: '{"service":"google","events_deleted":12,"revoked":true}' },
    { at: 50.1, event: 'revoke', details: '{"service":"google"}' },
    { at: 50.2, event: 'deletion', details: '{"events":12,"left":0,"problem":null}' },
    ...Array.from({ length: 110 }, (_, i) => ({
      at: 60 + i * 3,
      event: 'settings',
      details: i % 3 ? '{"changed":["filters"]}' : '{"changed":["every_minutes"]}',
    })),
    { at: 400, event: 'sign_in', details: '{"service":"google"}' },
    { at: 400.1, event: 'sign_in', details: '{"service":"platform"}' },
  ].map(({ at, ...row }, i, all) => ({ sequence: all.length - i, at: iso(now() - at * 3_600_000), ...row }));
  const REPORT = [
    'Roundtrip 0.1.0 · linux x86_64 · WebKitGTK 2.50',
    'state: up_to_date · started: yes · writes: yes',
    'platform: <address 1> · account: <person 1> · active',
    'google: <person 1> · active · calendar: primary',
    'appointments: 42 · synced: 37 · waiting: 1 · left out: 2',
    'checks: network ok · clock ok · platform_sign_in ok · google_sign_in ok · calendar_rights ok · database ok · keychain ok',
    'last runs: success ×94 · partial ×1 (google_unreachable, 503)',
  ].join('\n');

  return {
    get_settings: view,
    change_settings: async ({ patch }: Args) => {
      check(patch as SettingsPatch);
      if ((patch as SettingsPatch).calendar_id) leaveBehind((patch as SettingsPatch).even_so);
      Object.assign(state.settings, after(patch as SettingsPatch));
      state.overview.enabled = state.settings.enabled;
      for (const row of state.rows) {
        const reason = leftOut(state.settings, row);
        if (reason && writtenBefore(row)) Object.assign(row, { badge: 'left_out', reason });
        else if (!reason && row.badge === 'left_out') Object.assign(row, { badge: 'synced', reason: null });
      }
      await changed('settings', 'overview', 'appointments');
      return view();
    },
    preview_settings: ({ patch }: Args) => preview(patch as SettingsPatch),
    choose_calendar: async ({ id, evenSo }: Args) => {
      check({ calendar_id: id as string } as SettingsPatch);
      leaveBehind(evenSo);
      state.settings.calendar_id = id as string;
      await changed('settings', 'overview');
    },
    check_rule: ({ rule }: Args): RuleCheck => {
      const match = matcher(rule as OwnRuleView);
      if (typeof match !== 'function') return { ...match, matches: 0, examples: [] };
      const hits = state.rows.filter((row) => match(textOf(row, (rule as OwnRuleView).field)));
      return { problem: null, detail: null, matches: hits.length, examples: hits.slice(0, 3).map((r) => r.title) };
    },
    run_check: ({ check: name }: Args) => checkOne(name as string),
    get_figures: () => figuresFor(state.overview.started, state.overview.problem?.code ?? null),
    get_connection: (): ConnectionView | null =>
      state.overview.started
        ? {
            state: offline(state.overview) ? 'broken' : 'open',
            since: iso(Date.now() - 3 * 3_600_000),
            reason: offline(state.overview) ? 'lost' : null,
            again_at: offline(state.overview) ? iso(Date.now() + 40_000) : null,
            notices: !offline(state.overview),
            channel_renewed_at: iso(Date.now() - 2 * 86_400_000),
            channel_expires_at: iso(Date.now() + 5 * 86_400_000),
            channel_problem: null,
            every_minutes: state.settings.every_minutes,
          }
        : null,
    list_audit: ({ before, limit }: Args) =>
      audit.filter((row) => before === null || row.sequence < (before as number)).slice(0, limit as number),
    export_audit: ({ format }: Args) => ({ name: `roundtrip-audit.${format as string}`, lines: audit.length }),
    preview_report: () => REPORT,
    save_report: () => ({ name: 'roundtrip-report.txt', lines: REPORT.split('\n').length }),
    show_saved_file: () => undefined,
  };
};
