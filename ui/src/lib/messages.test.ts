import { describe, expect, it } from 'vitest';

type Variant = { match: Record<string, string>; selectors: string[] };
type Messages = Record<string, string | Variant[]>;

const of = (locale: string): Messages =>
  Object.assign(
    {},
    ...Object.entries(files)
      .filter(([path]) => path.endsWith(`/${locale}.json`))
      .map(([, messages]) => messages),
  ) as Messages;
const files = import.meta.glob<Messages>('../../messages/**/*.json', { eager: true, import: 'default' });
const en = of('en');
const de = of('de');

const texts = (message: string | Variant[]): string[] =>
  typeof message === 'string' ? [message] : message.flatMap((v) => Object.values(v.match));
const inputs = (message: string | Variant[]): string[] =>
  [...new Set(texts(message).flatMap((t) => [...t.matchAll(/\{(\w+)\}/g)].map((x) => x[1] ?? '')))].sort();

describe('messages', () => {
  it('has every key in both languages', () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  });

  it('uses the same inputs in both languages, and both plural forms', () => {
    for (const [key, message] of Object.entries(en)) {
      const other = de[key];
      expect(other, key).toBeDefined();
      if (other === undefined) continue;
      expect(typeof other, key).toBe(typeof message);
      expect(inputs(other), key).toEqual(inputs(message));
      for (const m of [message, other])
        if (typeof m !== 'string') expect(Object.keys(m[0]?.match ?? {}), key).toEqual(['plural=one', 'plural=other']);
    }
  });

  it('has no empty text, no "(s)" and none of the words that blame', () => {
    for (const messages of [en, de])
      for (const [key, message] of Object.entries(messages)) {
        if (key === '$schema') continue;
        for (const text of texts(message)) {
          expect(text.trim(), key).not.toBe('');
          expect(text, key).not.toMatch(/\(s\)|failed to|\binvalid\b|\bfatal\b|\babort/i);
        }
      }
  });

  it('has no text that nothing says', () => {
    const sources = import.meta.glob<string>(['../**/*.{ts,svelte}', '!./paraglide/**'], {
      eager: true,
      query: '?raw',
      import: 'default',
    });
    const said = new Set(Object.values(sources).flatMap((text) => [...text.matchAll(/\bm\.(\w+)/g)].map((x) => x[1])));
    expect(Object.keys(en).filter((key) => key !== '$schema' && !said.has(key))).toEqual([]);
  });
});
