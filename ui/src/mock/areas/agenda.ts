import type { FilterCheck } from '$lib/bindings';
import { addDays, dayKey } from '$lib/i18n/time';
import { clockChange, dayStart } from '$lib/appointments/travel';
import { monday } from '$lib/appointments/week';
import type { Area } from '../area';
import { appointment, checks, conflictsFor, iso, listed, ZONE, type MockRow } from '../data';

const HOUR = 3_600_000;

/** The first day after `from` on which Berlin changes its clocks. */
export function nextClockChange(from: string): string {
  let day = from;
  for (let i = 0; i < 400 && clockChange(day, ZONE) === 0; i += 1) day = addDays(day, 1);
  return day;
}

/** Everything an agenda can hold, within one week, and around the next change of clocks. */
export function everything(nowMs: number): MockRow[] {
  const first = addDays(monday(dayKey(nowMs, ZONE)), 7);
  const rows: MockRow[] = [];
  const put = (day: string, hour: number, minutes: number, more: Partial<MockRow> = {}) =>
    rows.push(appointment(rows.length, dayStart(day, ZONE) + hour * HOUR, minutes, { checks: checks(), ...more }));
  const on = (i: number) => addDays(first, i);
  const out = (reason: string, ...failed: FilterCheck[]): Partial<MockRow> => ({
    badge: 'left_out',
    reason,
    client: failed.find(({ check }) => check === 'client')?.value ?? null,
    checks: checks(...failed),
    has_event: false,
  });

  put(on(0), 8, 90, { moved_back: { at: iso(nowMs - 50 * 60_000), admin_notified: true } });
  put(on(0), 9, 60, { badge: 'conflict', conflict_id: 'cf_1' });
  put(on(0), 9.25, 120, { badge: 'waiting', reason: 'settling', due_at: iso(nowMs + 14_000) });
  put(on(0), 9.5, 30, { tentative: true });
  put(on(0), 13, 5, { title: 'Kurzer Anruf', kind: 'Telefonat', location: null });
  put(on(0), 15, 60, {
    ...out('type_off', { check: 'type', passed: false, value: 'Online-Termin' }),
    title: 'Teamrunde',
    kind: 'Online-Termin',
    location: null,
  });
  put(on(1), 10, 60, { badge: 'problem', reason: 'quota_gone' });
  put(on(1), 12, 60, out('client_off', { check: 'client', passed: false, value: 'Ada Klein' }));
  put(on(1), 14, 90, {
    title: '<img src=x onerror="document.title=1"> <b>Rosen</b> & "Söhne"',
    location: "</script><script>alert('x')</script>",
  });
  put(on(1), 16, 60, { badge: 'removed', reason: 'removed_by_you', has_event: false });
  put(on(2), 6, 60, out('outside_dates', { check: 'dates', passed: false, value: null }));
  put(on(2), 9, 60, { title: 'صيدلية الورد · ורד', location: 'شارع الورد ٥' });
  put(on(2), 11, 120, { zone: 'America/New_York', title: 'Videokonferenz New York' });
  put(on(2), 15, 60, { title: `Zero\u200bwidth\u202e rückwärts\u202c 👩🏽‍⚕️🦢` });
  put(on(3), 0, 24 * 60, { title: 'Messe Expopharm', kind: 'Messe', location: 'Messegelände Düsseldorf' });
  put(on(3), 9, 60, { private: true, title: 'Beschäftigt', location: null, badge: 'waiting', reason: 'offline' });
  put(on(3), 14, 60, { title: `${'Sehr lange Bezeichnung '.repeat(440)}Ende`, badge: 'syncing' });
  put(on(3), 18, 180, out('outside_hours', { check: 'hours', passed: false, value: null }));
  put(on(3), 22, 240, { title: 'Nachtdienst' });
  put(on(4), 8, 60, out('own_rule', { check: 'own_rule', passed: false, value: 'Stern' }));
  put(on(4), 10, 60, out('private', { check: 'private', passed: false, value: null }));
  put(on(4), 12, 60, out('excluded', { check: 'excluded', passed: false, value: null }));
  put(on(4), 15, 60, out('kept'));
  put(on(9), 9, 60, { badge: 'conflict', conflict_id: 'cf_all_day' });
  const change = nextClockChange(on(10));
  put(change, 1.5, 120, { title: 'Notdienst in der Nacht der Zeitumstellung' });
  put(change, 11, 60, {});
  put(addDays(change, 1), 10, 60, {});
  return rows.sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}

/** Stands in for the app where it is about agenda and week. */
export const agenda: Area = ({ state, now, changed }) => {
  // As they are now, whoever asks first.
  const rows = (): MockRow[] => {
    for (const row of state.rows) {
      // What a rule let in again is written next.
      const on = row.reason === 'type_off' && state.settings.types.some((t) => t.on && t.name === row.kind);
      const shown = row.reason === 'private' && state.settings.include_private;
      if (on || shown)
        Object.assign(row, {
          badge: 'waiting',
          reason: 'settling',
          due_at: iso(now() + 20_000),
          checks: row.checks.map((c) => ({ ...c, passed: true })),
        });
      if ((row.badge === 'left_out' && row.reason !== 'kept') || row.badge === 'removed') row.has_event = false;
    }
    return state.rows;
  };
  return {
    list_appointments: () => rows().map(listed),
    get_appointment: ({ id }) => {
      const row = rows().find((r) => r.id === id);
      return row ? { row: listed(row), checks: structuredClone(row.checks) } : null;
    },
    retry: ({ appointmentId }) => {
      for (const row of state.rows)
        if (row.badge === 'problem' && (appointmentId === null || row.id === appointmentId))
          Object.assign(row, { badge: 'waiting', reason: 'writing' });
      // The history says so itself once there is an answer.
      void changed('overview', 'appointments');
    },
  };
};

/** Rows and decisions of the scenario "agenda". */
export const agendaScenario = (nowMs: number) => ({
  rows: everything(nowMs),
  conflicts: conflictsFor(nowMs)
    .slice(0, 1)
    .flatMap((c) => [
      { ...c, appointment_id: 'apt_2' },
      { ...c, id: 'cf_all_day', appointment_id: 'apt_24', cause: 'made_all_day' },
    ]),
});
