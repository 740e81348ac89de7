import { describe, expect, it } from 'vitest';
import { folded, scoreOf, typedWords } from './fuzzy';

const score = (query: string, label: string, words = ''): number => scoreOf(typedWords(query), folded(label, words));
const best = (query: string, labels: string[]): string | undefined =>
  labels
    .map((label) => ({ label, at: score(query, label) }))
    .filter(({ at }) => at > 0)
    .sort((a, b) => b.at - a.at)[0]?.label;

describe('finding by a few letters', () => {
  it('prefers the beginning of a word', () => {
    expect(best('ap', ['Löwen-Apotheke', 'Workshop', 'Appointments'])).toBe('Appointments');
    expect(best('bär', ['Rosen-Apotheke', 'Bären-Apotheke'])).toBe('Bären-Apotheke');
  });

  it('does not mind accents, capitals or ß', () => {
    expect(score('barEN', 'Bären-Apotheke')).toBeGreaterThan(0);
    expect(score('grosse', 'Große Runde')).toBeGreaterThan(0);
  });

  it('wants every word, in any order and in the other words too', () => {
    expect(score('apotheke rosen', 'Rosen-Apotheke')).toBeGreaterThan(0);
    expect(score('rosen potsdam', 'Rosen-Apotheke', 'Marktplatz 12, Potsdam')).toBeGreaterThan(0);
    expect(score('rosen bern', 'Rosen-Apotheke', 'Marktplatz 12, Potsdam')).toBe(0);
  });

  it('finds by initials, and nothing by letters that are anywhere', () => {
    expect(score('js', 'Jetzt synchronisieren')).toBeGreaterThan(0);
    expect(score('tz', 'Jetzt synchronisieren')).toBeGreaterThan(0);
    expect(score('zzz', 'Jetzt synchronisieren')).toBe(0);
    expect(score('eoe', 'Rosen-Apotheke')).toBe(0);
  });

  it('shows everything while nothing is typed', () => {
    expect(score('', 'Anything')).toBe(1);
  });
});
