import { beforeEach, describe, expect, it } from 'vitest';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { appointment, appointmentsFor } from '../../mock/data';
import { badgeText, BADGES, badgeWord } from './badges';
import { agenda, filterRows, searchable } from './filter';

const NOW = Date.parse('2026-11-21T09:00:00Z');
const ZONE = 'Europe/Berlin';

describe('badges', () => {
  beforeEach(() => useLanguage('en', 'en-GB'));
  const text = (more: Parameters<typeof appointment>[3]) =>
    badgeText(appointment(0, NOW, 60, more), 'Linden Akademie', ZONE, NOW);

  it('gives the reason with the word', () => {
    expect(text({})).toBe('Synced');
    expect(text({ badge: 'left_out', reason: 'type_off' })).toBe('Not synced · type is off');
    expect(text({ badge: 'waiting', reason: 'settling', due_at: new Date(NOW + 14_000).toISOString() })).toBe(
      'Waiting · sends in 14 sec',
    );
    expect(text({ badge: 'waiting', reason: 'retrying', due_at: new Date(NOW + 240_000).toISOString() })).toBe(
      'Waiting · will try again in 4 min',
    );
    expect(text({ badge: 'problem', reason: 'quota_gone' })).toBe('Problem · Google’s limit for today is used up');
  });

  it('says that the platform was told of a move only if it was', () => {
    const at = new Date(NOW - 1000).toISOString();
    expect(text({ moved_back: { at, admin_notified: true } })).toBe('Synced · moved by you, Linden Akademie was told');
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

describe('agenda', () => {
  const rows = appointmentsFor(NOW, 'many');

  it('puts every appointment below the head of its day, once', () => {
    const items = agenda(rows, ZONE);
    expect(items.filter((i) => i.kind === 'row')).toHaveLength(rows.length);
    expect(items[0]?.kind).toBe('day');
    const days = items.filter((i) => i.kind === 'day').map((i) => i.day);
    expect(new Set(days).size).toBe(days.length);
    expect([...days].sort()).toEqual(days);
  });

  it('finds without accents, by several words, and together with a state', () => {
    const texts = searchable(rows);
    const found = filterRows(rows, texts, 'baren berlin', null);
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((r) => r.title === 'Bären-Apotheke')).toBe(true);
    expect(
      filterRows(rows, texts, 'baren', 'left_out').every((r) => r.badge === 'left_out' && r.title === 'Bären-Apotheke'),
    ).toBe(true);
    expect(filterRows(rows, texts, 'zzz', null)).toEqual([]);
  });
});
