import { CLIENT, NOTES } from './mock/areas/privacy';
import { cleanup, render, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import App from './App.svelte';
// Loaded when first needed, which a loaded machine would make a test wait for.
import '$lib/appointments/Agenda.svelte';
import '$lib/conflicts/Decisions.svelte';
import '$lib/history/History.svelte';
import '$lib/settings/Settings.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { signIn } from '$lib/onboarding/signin.svelte';
import { overview } from '$lib/overview/state.svelte';
import { BUILT_WITH } from '$lib/settings/About.svelte';
import { settings } from '$lib/settings/state.svelte';
import { SECTIONS } from '$lib/settings/sections';
import { info } from '$lib/shell/info.svelte';
import { start } from './mock/ipc';
import { stretch, usePseudo } from './mock/messages';
import type { Scenario } from './mock/model';

/** Names of languages stay as they are; so do key names, and what Intl says. */
const NAMES = ['English', 'Deutsch', 'Mara', 'Enter', 'Esc', 'Aa', NOTES, CLIENT, ...BUILT_WITH.flat()];

const intl = (() => {
  const words = new Set<string>([
    'AM',
    'PM',
    'at',
    'and',
    'or',
    'UTC',
    'GMT',
    'ago',
    'in',
    'sec',
    'min',
    'hr',
    'day',
    'days',
  ]);
  for (const length of ['short', 'long', 'narrow'] as const)
    for (let i = 0; i < 84; i++)
      for (const locale of ['en-GB', 'en-US', 'en']) {
        const at = new Date(Date.UTC(2026, i % 12, 1 + (i % 7)));
        words.add(new Intl.DateTimeFormat(locale, { month: length, timeZone: 'UTC' }).format(at));
        words.add(new Intl.DateTimeFormat(locale, { weekday: length, timeZone: 'UTC' }).format(at));
      }
  for (const unit of ['second', 'minute', 'hour', 'day'] as const)
    for (const style of ['short', 'long'] as const)
      for (const n of [1, 2, -1, -2])
        for (const part of new Intl.RelativeTimeFormat('en', { style }).formatToParts(n, unit))
          for (const word of part.value.match(/\p{L}+/gu) ?? []) words.add(word);
  for (const unit of ['second', 'minute', 'hour', 'day'])
    for (const n of [1, 2])
      for (const word of new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' })
        .format(n)
        .match(/\p{L}+/gu) ?? [])
        words.add(word);
  return words;
})();

/** Every text the app itself handed over: titles, places, people, ids. */
function data(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === 'string') found.add(value);
  else if (Array.isArray(value)) value.forEach((v) => data(v, found));
  else if (value && typeof value === 'object') Object.values(value).forEach((v) => data(v, found));
  return found;
}

/** Words that stand outside of every bracket and are not data. */
function unwrapped(known: Set<string>): string[] {
  // By words, because a comparison of two texts marks them one by one.
  const words = new Set([...known, ...NAMES].flatMap((text) => text.match(/\p{L}{2,}/gu) ?? []));
  const strange = (text: string): boolean =>
    (text.match(/\p{L}{2,}/gu) ?? []).some((word) => !intl.has(word) && !words.has(word));
  const found: string[] = [];
  let depth = 0;
  const outside = (text: string): string => {
    let rest = '';
    for (const sign of text) {
      if (sign === '[') depth += 1;
      else if (sign === ']') depth -= 1;
      else if (depth === 0) rest += sign;
    }
    return rest;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!parent || parent.closest('script, style, kbd, [data-sonner-toaster], .sheet')) continue;
    const rest = outside(node.nodeValue ?? '');
    if (strange(rest)) found.push(`<${parent.localName}> ${rest.trim()}`);
  }
  for (const element of document.body.querySelectorAll(
    '[aria-label], [placeholder], [title], [alt], [aria-description]',
  ))
    for (const name of ['aria-label', 'placeholder', 'title', 'alt', 'aria-description']) {
      const text = element.getAttribute(name);
      depth = 0;
      if (text && !/ alt\+T$/.test(text) && strange(outside(text))) found.push(`${name}: ${text}`);
    }
  return [...new Set(found)];
}

const clear = () => {
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  signIn.view = null;
  signIn.error = undefined;
};

beforeEach(() => usePseudo(true));
afterEach(() => {
  usePseudo(false);
  cleanup();
  clear();
  document.body.innerHTML = '';
});

describe('pseudo language', () => {
  it('makes a text two fifths longer and brackets it', () => {
    const text = 'Appointments are in your calendar as they should be';
    expect(stretch(text)).toMatch(/^\[Appointments are .+\]$/);
    expect(stretch(text).length).toBeGreaterThanOrEqual(text.length * 1.35);
  });

  it('finds a text that is no message', () => {
    document.body.innerHTML = '<p>[fine]</p><p>Not fine</p><p>13:15</p><button aria-label="Nor this"></button>';
    expect(unwrapped(new Set())).toEqual(['<p> Not fine', 'aria-label: Nor this']);
  });
});

const SCREENS: [Scenario, string][] = [
  ['fresh', '/'],
  ['onboarding-google', '/'],
  ['preview', '/'],
  ...(['healthy', 'conflicts', 'offline', 'reauth', 'paused', 'question', 'empty', 'error', 'syncing'] as const).map(
    (scenario): [Scenario, string] => [scenario, '/'],
  ),
  ['second-laptop', '/'],
  ['reauth', '/connect/google'],
  ['healthy', '/appointments'],
  ['conflicts', '/appointments/apt_3'],
  ['healthy', '/appointments/apt_5'],
  ['empty', '/appointments'],
  ['conflicts', '/conflicts'],
  ['conflicts', '/conflicts/cf_1'],
  ['conflicts', '/conflicts/cf_2'],
  ['conflicts', '/conflicts/cf_3'],
  ['healthy', '/conflicts'],
  ['error', '/history'],
  ['healthy', '/history?view=runs'],
  ...SECTIONS.map((section): [Scenario, string] => ['healthy', `/settings?section=${section}`]),
];

describe('every text is a message', () => {
  for (const [scenario, route] of SCREENS)
    it(`in "${scenario}" at ${route}`, async () => {
      const app = start(scenario, { language: 'en', slowMs: 0 });
      location.hash = `#${route}`;
      render(App);
      await waitFor(() => expect(document.querySelector('[data-test="headline"]')).toBeTruthy(), { timeout: 5_000 });
      if (scenario === 'preview')
        await waitFor(() => expect(document.querySelector('[data-test="start-syncing"]')).toBeTruthy());
      await new Promise((done) => setTimeout(done, 80));
      expect(unwrapped(data(app.state))).toEqual([]);
    }, 60_000);
});
