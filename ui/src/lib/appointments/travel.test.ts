import { describe, expect, it } from 'vitest';
import { dayKey } from '$lib/i18n/time';
import { daysIn, offsetHours, travel } from './travel';

const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';
const at = (text: string) => Date.parse(text);

describe('travel-safe', () => {
  const october = at('2026-10-20T08:00:00Z');

  it('says nothing about an ordinary appointment, also after the clocks changed', () => {
    expect(travel('2026-11-02T09:00:00Z', BERLIN, BERLIN, october)).toBeUndefined();
    expect(travel('2026-10-21T09:00:00Z', BERLIN, 'Europe/Paris', october)).toBeUndefined();
  });

  it('marks the days on which the clocks change', () => {
    expect(travel('2026-10-25T09:00:00Z', BERLIN, BERLIN, october)).toEqual({ kind: 'clock_change', hours: 1 });
    expect(travel('2027-03-28T09:00:00Z', BERLIN, BERLIN, at('2027-03-20T08:00:00Z'))).toEqual({
      kind: 'clock_change',
      hours: -1,
    });
  });

  it('marks another zone', () => {
    expect(travel('2026-10-22T14:00:00Z', NEW_YORK, BERLIN, october)).toEqual({ kind: 'zone', hours: -6 });
    expect(travel('2026-10-22T14:00:00Z', 'Asia/Kolkata', BERLIN, october)).toEqual({ kind: 'zone', hours: 3.5 });
  });

  it('marks the week in which only one of two zones has changed its clocks', () => {
    expect(travel('2026-10-27T14:00:00Z', NEW_YORK, BERLIN, october)).toEqual({
      kind: 'shift',
      hoursNow: -6,
      hoursThen: -5,
    });
    expect(travel('2026-11-03T14:00:00Z', NEW_YORK, BERLIN, october)).toEqual({ kind: 'zone', hours: -6 });
  });

  it('marks a zone that is the same today but not then', () => {
    // London and Lisbon agree always; Casablanca leaves Lisbon's clock when summer time begins.
    expect(travel('2027-04-02T09:00:00Z', 'Atlantic/Reykjavik', 'Europe/London', at('2027-03-20T08:00:00Z'))).toEqual({
      kind: 'shift',
      hoursNow: 0,
      hoursThen: -1,
    });
  });

  it('looks 30 days ahead, and not back', () => {
    expect(travel('2026-12-20T14:00:00Z', NEW_YORK, BERLIN, october)).toBeUndefined();
    expect(travel('2026-10-19T14:00:00Z', NEW_YORK, BERLIN, october)).toBeUndefined();
  });

  it('says nothing about what it does not know', () => {
    expect(travel('2026-10-22T14:00:00Z', 'Mars/Olympus', BERLIN, october)).toBeUndefined();
    expect(travel('nonsense', NEW_YORK, BERLIN, october)).toBeUndefined();
    expect(offsetHours(october, 'Mars/Olympus')).toBeUndefined();
  });
});

describe('the day of many moments', () => {
  it('is the one the calendar says, in any zone and around any change of clocks', () => {
    for (const zone of [BERLIN, NEW_YORK, 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia', 'Mars/Olympus']) {
      const dayOf = daysIn(zone);
      for (let hour = 0; hour < 366 * 24; hour += 1) {
        const moment = new Date(at('2026-01-01T00:00:00Z') + hour * 3_600_000 - 1).toISOString();
        if (dayOf(moment) !== dayKey(moment, zone)) expect(`${zone} ${dayOf(moment)}`).toBe(dayKey(moment, zone));
      }
    }
  });
});
