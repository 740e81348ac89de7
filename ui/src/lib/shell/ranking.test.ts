import { describe, expect, it } from 'vitest';
import type { PaletteCommand, PaletteGroup } from './palette.svelte';
import { Ranking } from './ranking';

const command = (group: PaletteGroup, label: string, words?: string): PaletteCommand => ({
  id: `${group}-${label}`,
  group,
  label,
  words,
  run: () => undefined,
});
const labels = (found: PaletteCommand[]) => found.map(({ label }) => label);

describe('what the palette shows', () => {
  const all = new Ranking([
    command('actions', 'Sync now'),
    ...['a', 'b', 'c', 'd'].map((name) => command('decisions', `Decision ${name}`)),
    ...Array.from({ length: 10_000 }, (_, i) => command('appointments', `Rosen-Apotheke ${i}`, 'Hauptstraße')),
    command('settings', 'Language'),
    command('places', 'History'),
  ]);

  it('is short before anything is typed, and in the order of what came', () => {
    expect(labels(all.of(''))).toEqual(['Sync now', 'Decision a', 'Decision b', 'Decision c', 'History']);
  });

  it('is the best of many afterwards', () => {
    expect(labels(all.of('rosen')).length).toBe(40);
    expect(labels(all.of('rosen hauptstrasse 9999'))).toEqual(['Rosen-Apotheke 9999']);
    expect(labels(all.of('lang'))).toEqual(['Language']);
    expect(all.of('zzz')).toEqual([]);
  });
});
