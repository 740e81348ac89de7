/** What the why-not inspector says about each step, and what would put it right. */
import type { AppointmentRow, FilterCheck, SettingsPatch, SettingsView } from '$lib/bindings';
import { addDays, clock, dayKey, dayOfMonth, plainDay, weekdayLong } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';
import { wallMs } from './travel';

const NAMES: Record<string, () => string> = {
  assigned: () => m.check_assigned(),
  type: () => m.check_type(),
  client: () => m.check_client(),
  dates: () => m.check_dates(),
  weekday: () => m.check_weekday(),
  hours: () => m.ag2_check_hours(),
  private: () => m.ag2_check_private(),
  excluded: () => m.check_excluded(),
  own_rule: () => m.check_own_rule(),
  connection: () => m.check_connection(),
};

/** The steps in the app's order, each with the reason of what it leaves out; what isn't assigned has no row. */
const STEPS: [check: string, reason?: string][] = [
  ['assigned'],
  ['connection', 'before_connection'],
  ['type', 'type_off'],
  ['client', 'client_off'],
  ['dates', 'outside_dates'],
  ['weekday', 'weekday_off'],
  ['hours', 'outside_hours'],
  ['private', 'private'],
  ['excluded', 'excluded'],
  ['own_rule', 'own_rule'],
];

/** What the steps of a row will most likely be: to keep their room until the app has said it, and never to be read. */
export const likelyChecks = (row: AppointmentRow): FilterCheck[] =>
  STEPS.map(([check, reason]) => ({
    check,
    passed: reason === undefined || row.reason !== reason,
    value: check === 'type' ? row.kind : check === 'client' ? row.client : null,
  }));

/** Whether every step will most likely let it in. */
export const likelyIn = (row: AppointmentRow): boolean => row.badge === 'synced' || row.badge === 'waiting';

export const checkName = (check: FilterCheck): string => NAMES[check.check]?.() ?? m.check_other();

/** "starts 3 Feb", "Apothekenbesuch": what was looked at, in words. */
export function checkValue(check: FilterCheck, row: AppointmentRow): string | undefined {
  switch (check.check) {
    case 'type':
      return check.value ?? row.kind;
    case 'dates':
      return check.passed ? undefined : m.ag2_starts({ day: plainDay(dayKey(row.start, row.zone)) });
    case 'weekday':
      return check.passed ? undefined : weekdayLong(row.start, row.zone);
    case 'hours':
      return check.passed ? undefined : `${clock(row.start, row.zone)}–${clock(row.end, row.zone)}`;
    default:
      return check.value ?? undefined;
  }
}

export type Fix =
  | { kind: 'include'; label: string }
  | { kind: 'settings'; label: string; section: string }
  | { kind: 'change'; label: string; patch: Partial<SettingsPatch>; back: Partial<SettingsPatch> };

const off = (toggles: { id: string; on: boolean }[]): string[] => toggles.filter((t) => !t.on).map((t) => t.id);

const wallMinutes = (at: string, zone: string): number =>
  ((wallMs(Date.parse(at), zone) ?? Date.parse(at)) % 86_400_000) / 60_000;
const hm = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** The one click that would let this appointment pass this step; none where nothing of the trainer's can. */
export function fixFor(check: FilterCheck, row: AppointmentRow, settings: SettingsView | undefined): Fix | undefined {
  if (check.passed) return undefined;
  const elsewhere: Fix = { kind: 'settings', label: m.fix_settings(), section: 'which' };
  if (check.check === 'excluded') return { kind: 'include', label: m.fix_excluded() };
  if (check.check === 'assigned' || check.check === 'connection') return undefined;
  if (!settings) return elsewhere;
  switch (check.check) {
    case 'type':
      return turnOn(settings.types, check.value ?? row.kind, 'types_off') ?? elsewhere;
    case 'client':
      return turnOn(settings.clients, check.value, 'clients_off') ?? elsewhere;
    case 'dates':
      return widen(row, settings) ?? elsewhere;
    case 'weekday': {
      const local = dayKey(row.start, row.zone);
      const weekday = (new Date(`${local}T12:00:00Z`).getUTCDay() + 6) % 7;
      if (!settings.weekdays_off.includes(weekday)) return elsewhere;
      return {
        kind: 'change',
        label: m.ag2_fix_weekday({ weekday: weekdayLong(row.start, row.zone) }),
        patch: { weekdays_off: settings.weekdays_off.filter((d) => d !== weekday) },
        back: { weekdays_off: settings.weekdays_off },
      };
    }
    case 'hours':
      return longer(row, settings);
    case 'private':
      return {
        kind: 'change',
        label: m.ag2_fix_private(),
        patch: { include_private: true },
        back: { include_private: false },
      };
    case 'own_rule':
      return withoutRule(check, settings) ?? elsewhere;
    default:
      return elsewhere;
  }
}

function turnOn(
  toggles: SettingsView['types'],
  name: string | null,
  field: 'types_off' | 'clients_off',
): Fix | undefined {
  const dark = toggles.filter((t) => !t.on);
  // Names of clients may be hidden; if only one is off, it is that one.
  const found =
    dark.find((t) => t.name === name || t.id === name) ?? (dark.length === 1 && !name ? dark[0] : undefined);
  if (!found) return undefined;
  const before = off(toggles);
  return {
    kind: 'change',
    label: m.ag2_fix_turn_on({ name: found.name }),
    patch: { [field]: before.filter((id) => id !== found.id) },
    back: { [field]: before },
  };
}

function widen(row: AppointmentRow, { dates }: SettingsView): Fix | undefined {
  const day = dayKey(row.start, row.zone);
  const early = dates.from !== null && day < dates.from;
  const late = dates.until !== null && day > dates.until;
  if (!early && !late) return undefined;
  const to = early ? { ...dates, from: day } : { ...dates, until: day };
  return {
    kind: 'change',
    label: early ? m.ag2_fix_from({ day: plainDay(day) }) : m.ag2_fix_until({ day: plainDay(day) }),
    patch: { dates: to },
    back: { dates },
  };
}

function longer(row: AppointmentRow, { hours }: SettingsView): Fix {
  const [from, until] = [wallMinutes(row.start, row.zone), wallMinutes(row.end, row.zone)];
  const overnight = dayKey(row.start, row.zone) !== dayKey(row.end, row.zone);
  const to = overnight
    ? { from: null, until: null }
    : {
        from: hours.from !== null && hm(from) < hours.from ? hm(from) : hours.from,
        until: hours.until !== null && hm(until) > hours.until ? hm(until) : hours.until,
      };
  return {
    kind: 'change',
    label: overnight
      ? m.ag2_fix_hours_all()
      : m.ag2_fix_hours({ from: to.from ?? '00:00', until: to.until ?? '24:00' }),
    patch: { hours: to },
    back: { hours },
  };
}

function withoutRule(check: FilterCheck, { own_rules }: SettingsView): Fix | undefined {
  const named = own_rules.filter((rule) => rule.text === check.value);
  const rule = named.length === 1 ? named[0] : own_rules.length === 1 ? own_rules[0] : undefined;
  if (!rule) return undefined;
  return {
    kind: 'change',
    label: m.ag2_fix_rule({ text: rule.text.slice(0, 40) }),
    patch: { own_rules: own_rules.filter((r) => r !== rule) },
    back: { own_rules },
  };
}

/** What is special about an event that was changed beyond a time, with its next step; by the cause of its conflict. */
export function causeWords(cause: string): string | undefined {
  switch (cause) {
    case 'made_all_day':
      return m.ag2_made_all_day();
    case 'made_series':
      return m.ag2_made_series();
    case 'series_cancelled':
      return m.ag2_series_cancelled();
    case 'not_editable':
      return m.ag2_not_editable();
    case 'moved_into_past':
      return m.ag2_moved_into_past();
    case 'moved_far':
      return m.ag2_moved_far();
    default:
      return undefined;
  }
}

/** "23–29 Nov": the days of a week in one line, for headings. */
export const lastDay = (first: string, count: number): string => addDays(first, count - 1);
export const dayNumber = (day: string): string => dayOfMonth(`${day}T12:00:00Z`, 'UTC');
