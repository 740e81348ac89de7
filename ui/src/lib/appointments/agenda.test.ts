import { beforeEach, describe, expect, it } from 'vitest';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { appointment, appointmentsFor } from '../../mock/data';
import { badgeText, BADGES, badgeWord } from './badges';
import { clip } from './clip';
import { agenda, culprits, filtersOf, find, index, inCalendar, NO_FILTERS, plain } from './filter';
import { keepSame } from './same';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const ZONE = 'Europe/Berlin';

describe('badges', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));
  const text = (more: Parameters<typeof appointment>[3]) =>
    badgeText(appointment(0, NOW, 60, more), 'Linden Akademie', ZONE, NOW);

  it('gives the reason with the word', () => {
    expect(text({})).toBe('Synced');
    expect(text({ badge: 'left_out', reason: 'type_off' })).toBe('Not synced · type is off');
    expect(text({ badge: 'left_out', reason: 'hours_off' })).toBe('Not synced · outside the hours');
    expect(text({ badge: 'waiting', reason: 'settling', due_at: new Date(NOW + 14_000).toISOString() })).toBe(
      'Waiting · sends in 14 sec',
    );
    expect(text({ badge: 'waiting', reason: 'retrying', due_at: new Date(NOW + 240_000).toISOString() })).toBe(
      'Waiting · will try again in 4 min',
    );
    expect(text({ badge: 'problem', reason: 'unreadable' })).toBe(
      'Problem · the appointment or its event can’t be read',
    );
    expect(text({ badge: 'problem', reason: 'already_exists' })).toBe('Problem · It’s there already');
    expect(text({ badge: 'problem', reason: 'quota_gone' })).toBe('Problem · Google’s limit for today is used up');
  });

  it('says that the platform was told of a move only if it was', () => {
    const at = new Date(NOW - 1000).toISOString();
    expect(text({ moved_back: { at, admin_notified: true } })).toBe('Synced · moved and reported');
    expect(text({ moved_back: { at, admin_notified: false } })).toBe('Synced · moved by you');
  });

  it('does not guess at a reason it does not know', () => {
    expect(text({ badge: 'waiting', reason: 'something_new' })).toBe('Waiting');
  });

  it('has a word for each badge in both languages', () => {
    const english = BADGES.map(badgeWord);
    useLanguage('de', 'de-DE');
    expect(new Set(english).size).toBe(BADGES.length);
    expect(new Set(BADGES.map(badgeWord)).size).toBe(BADGES.length);
  });
});

describe('finding', () => {
  const rows = appointmentsFor(NOW, 'many');
  const all = index(rows, ZONE);
  const search = (query: string, more = {}) => find(all.values(), { ...NO_FILTERS, query, ...more });

  it('puts every appointment below the head of its day, once', () => {
    const items = agenda([...all.values()]);
    expect(items.filter((i) => i.kind === 'row')).toHaveLength(rows.length);
    expect(items[0]?.kind).toBe('day');
    const days = items.filter((i) => i.kind === 'day').map((i) => i.day);
    expect(new Set(days).size).toBe(days.length);
    expect([...days].sort()).toEqual(days);
  });

  it('folds case, accents, ß, and what nobody sees', () => {
    expect(plain('Straße')).toBe('strasse');
    expect(plain('BÄREN')).toBe('baren');
    expect(plain('Zero\u200bwidth\u202e')).toBe('zerowidth');
    expect(plain('ﬁlm Ⅳ')).toBe('film iv');
  });

  it('finds without accents, by several words, and together with a state', () => {
    expect(search('baren berlin').length).toBeGreaterThan(0);
    expect(search('baren berlin').every((i) => i.row.title === 'Bären-Apotheke')).toBe(true);
    expect(search('LINDENSTRASSE').every((i) => i.row.location?.includes('Lindenstraße'))).toBe(true);
    expect(search('baren', { badge: 'left_out' }).every((i) => i.row.badge === 'left_out')).toBe(true);
    expect(search('zzz')).toEqual([]);
  });

  it('answers a key press among 2,000 within 30 ms', () => {
    search('warm');
    const began = performance.now();
    for (const query of ['b', 'ba', 'bar', 'bare', 'baren', 'baren b', 'baren be']) agenda(search(query));
    expect((performance.now() - began) / 7).toBeLessThan(30);
  });

  it('indexes again only what changed', () => {
    const changed = rows.map((row, i) => (i === 3 ? { ...row, title: 'Neu' } : structuredClone(row)));
    const kept = keepSame(rows, changed);
    expect(kept[2]).toBe(rows[2]);
    expect(kept[3]).toBe(changed[3]);
    const again = index(kept, ZONE, all);
    expect(again.get(rows[2]?.id ?? '')).toBe(all.get(rows[2]?.id ?? ''));
    expect(again.get(rows[3]?.id ?? '')?.text).toContain('neu');
  });

  it('keeps filters in the address, and none it does not know', () => {
    const filters = filtersOf(new URLSearchParams('q=abc&state=nonsense&type=Workshop&calendar=out'));
    expect(filters).toEqual({ query: 'abc', badge: null, kind: 'Workshop', client: null, calendar: 'out' });
  });

  it('tells which filter hides things', () => {
    const filters = { ...NO_FILTERS, query: 'baren', kind: 'Online-Termin' };
    expect(find(all.values(), filters)).toEqual([]);
    const found = culprits(all.values(), filters);
    expect(found.map((c) => c.name)).toEqual(['type', 'q']);
    expect(found[1]?.shows).toBe(1);
  });

  it('counts as in the calendar only what is', () => {
    const row = (more: Parameters<typeof appointment>[3]) => inCalendar(appointment(0, NOW, 60, more));
    expect(row({})).toBe(true);
    expect(row({ badge: 'left_out', reason: 'type_off' })).toBe(false);
    expect(row({ badge: 'left_out', reason: 'kept' })).toBe(true);
    expect(row({ badge: 'removed' })).toBe(false);
    expect(row({ badge: 'waiting', has_event: false })).toBe(false);
    expect(row({ badge: 'waiting' })).toBe(true);
  });

  it('cuts long titles between characters', () => {
    expect(clip('kurz')).toBe('kurz');
    expect(clip('🦢'.repeat(200), 5)).toBe('🦢🦢…');
  });
});
