import { beforeEach, describe, expect, it } from 'vitest';
import type { ConflictView, Overview } from '$lib/bindings';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { conflictsFor, emptyOverview } from '../../mock/data';
import { googleAccount, platformAccount } from '../../mock/model';
import { headline, restWords } from './headline';
import { statusLine } from './status';

const NOW = Date.parse('2026-11-21T09:00:00Z');

function overview(more: Partial<Overview> = {}, counts: Partial<Overview['counts']> = {}): Overview {
  return {
    ...emptyOverview(),
    started: true,
    state: 'up_to_date',
    as_of: '2026-11-21T08:58:00Z',
    next_sync_at: '2026-11-21T09:13:00Z',
    platform: platformAccount(NOW),
    calendar: googleAccount(NOW),
    // Each of these has a badge; one of an event that was marked has none.
    conflicts: Array.from({ length: counts.conflicts ?? 0 }, () => conflictsFor(NOW)[0] as ConflictView),
    ...more,
    counts: {
      appointments: 42,
      synced: 42,
      waiting: 0,
      left_out: 0,
      conflicts: 0,
      problems: 0,
      unreadable: 0,
      ...counts,
    },
  };
}
const all = (o: Overview) => {
  const { title, sub } = headline(o, NOW);
  return `${title} ${sub}`.trim();
};

describe('headline in English', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));

  it('says that everything is right', () => {
    expect(all(overview())).toBe(
      'Your calendar is right. All 42 upcoming appointments are in Google Calendar as they should be.',
    );
  });

  it('calls nothing right while nothing is read', () => {
    const asked = { conflicts: 1, synced: 41 };
    const state = 'needs_attention' as const;
    expect(all(overview({ state }, asked))).toContain('The rest is right.');
    const off = all(overview({ state, next_sync_at: null }, asked));
    expect(off).not.toContain('The rest is right.');
    expect(off).toContain('As of');
    expect(all(overview({ state, paused_for_ever: true }, asked))).not.toContain('The rest is right.');
  });

  it('uses the singular for one', () => {
    expect(all(overview({}, { appointments: 1, synced: 1 }))).toBe(
      'Your calendar is right. Your one upcoming appointment is in Google Calendar as it should be.',
    );
  });

  it('accounts for each appointment that is not there', () => {
    expect(all(overview({}, { synced: 38, waiting: 1, left_out: 3 }))).toBe(
      'Your calendar is right. 38 of 42 upcoming appointments are in Google Calendar as they should be. One change is on its way. 3 are left out by your rules.',
    );
  });

  it('asks for decisions with small numbers as words', () => {
    expect(headline(overview({ state: 'needs_attention' }, { conflicts: 2, synced: 40 }), NOW).title).toBe(
      'Two decisions for you. The rest is right.',
    );
    expect(headline(overview({ state: 'needs_attention' }, { conflicts: 1, synced: 41 }), NOW).title).toBe(
      'One decision for you. The rest is right.',
    );
    expect(headline(overview({ state: 'needs_attention' }, { conflicts: 12, synced: 30 }), NOW).title).toBe(
      '12 decisions for you. The rest is right.',
    );
  });

  it('counts a decision about a marked event, which has no appointment and no badge', () => {
    const conflicts = conflictsFor(NOW).slice(0, 1);
    expect(headline(overview({ state: 'needs_attention', conflicts }), NOW).title).toBe(
      'One decision for you. The rest is right.',
    );
  });

  it('names what was removed by hand beside the numbers', () => {
    expect(all(overview({}, { synced: 40, left_out: 1 }))).toMatch(/One is left out by your rules\. You removed one/);
  });

  it('does not call the rest right while something else waits or could not be written', () => {
    expect(headline(overview({ state: 'needs_attention' }, { conflicts: 2, waiting: 1, synced: 39 }), NOW).title).toBe(
      'Two decisions for you.',
    );
    expect(headline(overview({ state: 'needs_attention' }, { conflicts: 2, problems: 1, synced: 39 }), NOW).title).toBe(
      'Two decisions for you.',
    );
    expect(headline(overview({ state: 'needs_attention', as_of: null }, { conflicts: 2, synced: 40 }), NOW).title).toBe(
      'Two decisions for you.',
    );
  });

  it('says of what could not be read that it could not be read', () => {
    const unread = overview({ state: 'needs_attention' }, { problems: 1, unreadable: 1, synced: 41 });
    expect(headline(unread, NOW).title).toBe('One appointment couldn’t be read. The rest is right.');
    const facts = headline(unread, NOW).sub;
    expect(facts).toContain('One couldn’t be read.');
    expect(facts).not.toContain('written');
    const both = overview({ state: 'needs_attention' }, { problems: 3, unreadable: 1, synced: 39 });
    expect(headline(both, NOW).title).toContain(
      'Two appointments couldn’t be written. One appointment couldn’t be read.',
    );
    expect(headline(both, NOW).sub).toContain('2 couldn’t be written. One couldn’t be read.');
  });

  it('lets the cause hide its consequences', () => {
    const problem = {
      code: 'google_reauth',
      service: 'google',
      detail: null,
      since: null,
      retry_at: null,
      action: 'reconnect_google',
    };
    expect(all(overview({ state: 'needs_attention', problem }, { waiting: 5, synced: 37 }))).toBe(
      'Google asks you to sign in again. As of 09:58: 37 of 42 upcoming appointments are in Google Calendar as they should be. 5 changes are on their way.',
    );
  });

  it('says until when it is paused, in the zone of the trainer', () => {
    expect(headline(overview({ state: 'paused', paused_until: '2026-11-21T13:30:00Z' }), NOW).title).toBe(
      'Paused until 14:30.',
    );
    expect(headline(overview({ state: 'paused', paused_for_ever: true }), NOW).title).toBe('Paused until you resume.');
    const problem = {
      code: 'sync_disabled',
      service: null,
      detail: 'maintenance',
      since: null,
      retry_at: null,
      action: 'none',
    };
    expect(all(overview({ state: 'paused', problem }))).toBe(
      'Linden Akademie has paused syncing. There is maintenance going on. It comes back by itself. Your calendar stays as it is.',
    );
    expect(headline(overview({ state: 'paused', enabled: false }), NOW).title).toBe('Syncing is turned off.');
    // What is turned off goes on neither when a pause ends nor when the platform allows it again.
    const both = overview({ state: 'paused', enabled: false, paused_until: '2026-11-21T13:30:00Z' });
    expect(headline(both, NOW).title).toBe('Syncing is turned off.');
    expect(statusLine(both, NOW)).toBe('Paused');
    expect(headline(overview({ state: 'paused', enabled: false, problem }), NOW).title).toBe('Syncing is turned off.');
  });

  it('says that nothing is synced whatever else is said first', () => {
    const said = (more: Partial<Overview>) => restWords(overview({ state: 'needs_attention', ...more }), NOW);
    expect(said({})).toBeNull();
    expect(said({ enabled: false })).toBe('Syncing is turned off.');
    expect(said({ paused_until: '2026-11-21T13:30:00Z' })).toBe('Paused until 14:30.');
    expect(said({ paused_for_ever: true })).toBe('Paused until you resume.');
  });

  it('does not say offline where only one service cannot be reached', () => {
    const problem = {
      code: 'google_unreachable',
      service: 'google',
      detail: null,
      since: null,
      retry_at: null,
      action: 'try_again',
    };
    const one = overview({ state: 'offline', problem });
    expect(headline(one, NOW).title).toBe('Google Calendar can’t be reached.');
    expect(statusLine(one, NOW)).toBe('Waiting · as of 09:58');
  });

  it('says as of when the calendar was right while offline', () => {
    expect(all(overview({ state: 'offline' }))).toContain('Your calendar was right at 09:58.');
  });
});

describe('headline in German', () => {
  beforeEach(() => useLanguage('de', 'en-GB'));

  it('speaks German with its own plurals', () => {
    expect(all(overview({}, { synced: 38, waiting: 1, left_out: 3 }))).toBe(
      'Ihr Kalender stimmt. 38 von 42 kommenden Terminen stehen richtig in Google Kalender. Eine Änderung ist unterwegs. 3 bleiben nach Ihren Regeln draußen.',
    );
    expect(headline(overview({ state: 'needs_attention' }, { conflicts: 1, synced: 41 }), NOW).title).toBe(
      'Eine Entscheidung für Sie. Der Rest stimmt.',
    );
    expect(headline(overview({ state: 'needs_attention' }, { conflicts: 3, synced: 39 }), NOW).title).toBe(
      'Drei Entscheidungen für Sie. Der Rest stimmt.',
    );
  });

  it('writes numbers the German way', () => {
    expect(headline(overview({}, { appointments: 2000, synced: 2000 }), NOW).sub).toContain(
      'Alle 2.000 kommenden Termine',
    );
  });
});

describe('status line', () => {
  it('always says when with "up to date"', () => {
    useLanguage('en', 'en-GB');
    expect(statusLine(overview(), NOW)).toBe('Up to date · 2 min ago');
    expect(statusLine(overview({ state: 'syncing', progress: { done: 3, total: 9 } }), NOW)).toBe('Syncing 3 of 9');
    expect(statusLine(overview({ state: 'offline' }), NOW)).toBe('Waiting (offline) · as of 09:58');
    useLanguage('de', 'de-DE');
    expect(statusLine(overview(), NOW)).toBe('Aktuell · vor 2 Min.');
  });
});
