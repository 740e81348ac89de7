import { beforeEach, describe, expect, it } from 'vitest';
import type { AppointmentRow, FilterCheck, SettingsView } from '$lib/bindings';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { appointment, settingsFor } from '../../mock/data';
import { checkName, checkValue, fixFor, likelyChecks, likelyIn } from './inspect';

// A Tuesday, 9:00 to 10:30 in Berlin.
const row = appointment(0, Date.parse('2026-11-24T08:00:00Z'), 90, { kind: 'Online-Termin' });
const failed = (check: string, value: string | null = null): FilterCheck => ({ check, passed: false, value });
const settings = (more: Partial<SettingsView> = {}): SettingsView => ({ ...settingsFor(), ...more });
const patches = (check: FilterCheck, s: SettingsView, r = row) => {
  const fix = fixFor(check, r, s);
  return fix?.kind === 'change' ? [fix.patch, fix.back] : fix?.kind;
};

describe('one-click fixes', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));

  it('offers nothing for what passed, and nothing where no rule of the trainer stops it', () => {
    expect(fixFor({ check: 'type', passed: true, value: null }, row, settings())).toBeUndefined();
    expect(fixFor(failed('assigned'), row, settings())).toBeUndefined();
    expect(fixFor(failed('connection'), row, settings())).toBeUndefined();
  });

  it('lets a single one in again', () => expect(patches(failed('excluded'), settings())).toBe('include'));

  it('turns on the type, and only that', () => {
    const s = settings();
    for (const t of s.types) t.on = false;
    expect(patches(failed('type', 'Online-Termin'), s)).toEqual([
      { types_off: ['pharmacy_visit', 'workshop'] },
      { types_off: ['pharmacy_visit', 'online', 'workshop'] },
    ]);
    expect(fixFor(failed('type', 'Online-Termin'), row, s)?.label).toBe('Turn “Online-Termin” on');
  });

  it('turns on the client, and leads to the settings where it cannot tell which', () => {
    const clients = ['Ada Klein', 'Bo Groß'].map((name, i) => ({ id: `cli_${i}`, name, on: false, count: 1 }));
    expect(patches(failed('client', 'Ada Klein'), settings({ clients }))).toEqual([
      { clients_off: ['cli_1'] },
      { clients_off: ['cli_0', 'cli_1'] },
    ]);
    expect(patches(failed('client'), settings({ clients }))).toBe('settings');
    expect(patches(failed('client'), settings({ clients: clients.slice(1) }))).toEqual([
      { clients_off: [] },
      { clients_off: ['cli_1'] },
    ]);
  });

  it('widens the dates just as far as needed, on the side that stops it', () => {
    const late = { from: '2026-12-01', until: '2026-12-31' };
    expect(patches(failed('dates'), settings({ dates: late }))).toEqual([
      { dates: { from: '2026-11-24', until: '2026-12-31' } },
      { dates: late },
    ]);
    const early = { from: null, until: '2026-11-01' };
    expect(patches(failed('dates'), settings({ dates: early }))).toEqual([
      { dates: { from: null, until: '2026-11-24' } },
      { dates: early },
    ]);
  });

  it('counts days, weekdays and hours in the appointment’s own zone', () => {
    const tokyo = { ...row, start: '2026-11-24T22:00:00Z', end: '2026-11-24T23:00:00Z', zone: 'Asia/Tokyo' };
    expect(patches(failed('dates'), settings({ dates: { from: null, until: '2026-11-20' } }), tokyo)).toEqual([
      { dates: { from: null, until: '2026-11-25' } },
      { dates: { from: null, until: '2026-11-20' } },
    ]);
    expect(patches(failed('weekday'), settings({ weekdays_off: [2, 5] }), tokyo)).toEqual([
      { weekdays_off: [5] },
      { weekdays_off: [2, 5] },
    ]);
    expect(patches(failed('hours'), settings({ hours: { from: '09:00', until: '18:00' } }), tokyo)).toEqual([
      { hours: { from: '07:00', until: '18:00' } },
      { hours: { from: '09:00', until: '18:00' } },
    ]);
  });

  it('widens the hours on both sides if it must, and allows all where one goes over midnight', () => {
    const hours = { from: '09:30', until: '10:00' };
    expect(patches(failed('hours'), settings({ hours }))).toEqual([
      { hours: { from: '09:00', until: '10:30' } },
      { hours },
    ]);
    const night = { ...row, start: '2026-11-24T22:00:00Z', end: '2026-11-25T02:00:00Z' };
    expect(patches(failed('hours'), settings({ hours }), night)).toEqual([
      { hours: { from: null, until: null } },
      { hours },
    ]);
  });

  it('includes private ones, and drops the rule that stops it', () => {
    expect(patches(failed('private'), settings())).toEqual([{ include_private: true }, { include_private: false }]);
    const own_rules = ['Stern', 'Rosen'].map((text) => ({ field: 'title', pattern: 'contains', text }));
    expect(patches(failed('own_rule', 'Stern'), settings({ own_rules }))).toEqual([
      { own_rules: own_rules.slice(1) },
      { own_rules },
    ]);
    expect(patches(failed('own_rule'), settings({ own_rules }))).toBe('settings');
  });

  it('leads to the settings for a rule this window does not know', () => {
    expect(patches(failed('moon_phase'), settings())).toBe('settings');
    expect(checkName(failed('moon_phase'))).toBe('Rule');
  });

  it('says what was looked at', () => {
    expect(checkValue(failed('dates'), row)).toMatch(/^starts Tue,? 24 Nov$/);
    expect(checkValue(failed('weekday'), row)).toBe('Tuesday');
    expect(checkValue(failed('hours'), row)).toBe('09:00–10:30');
    expect(checkValue({ check: 'client', passed: true, value: 'Ada Klein' }, row)).toBe('Ada Klein');
  });
});

describe('what a row lets expect', () => {
  const stops = (badge: AppointmentRow['badge'], reason: string | null) =>
    likelyChecks({ ...row, badge, reason })
      .filter((c) => !c.passed)
      .map((c) => c.check);

  it('is the step of its reason, and none for a reason that is not one of a rule', () => {
    expect(stops('left_out', 'type_off')).toEqual(['type']);
    expect(stops('removed', 'removed')).toEqual([]);
    expect(stops('synced', null)).toEqual([]);
  });

  it('is that every rule lets it in only where it is in or will be', () => {
    const likely = (badge: AppointmentRow['badge']) => likelyIn({ ...row, badge });
    expect(['synced', 'waiting'].map((badge) => likely(badge as AppointmentRow['badge']))).toEqual([true, true]);
    expect(['removed', 'left_out', 'problem'].some((badge) => likely(badge as AppointmentRow['badge']))).toBe(false);
  });
});
