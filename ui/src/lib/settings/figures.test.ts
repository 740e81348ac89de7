import { cleanup, render, waitFor } from '@testing-library/svelte';
import axe from 'axe-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import App from '../../App.svelte';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { problemWords } from '$lib/i18n/problems';
import { start } from '../../mock/ipc';
import type { Scenario } from '../../mock/model';
import './Advanced.svelte';
import './Settings.svelte';
import { bars, length, share } from './figures';

const find = (test: string) => document.querySelector<HTMLElement>(`[data-test="${test}"]`);
const get = async (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 5_000 });

vi.setConfig({ testTimeout: 40_000 });
afterEach(() => {
  cleanup();
  useLanguage('en', 'en-GB');
});

async function open(hash: string, scenario: Scenario, language = 'en') {
  start(scenario, { language, slowMs: 0 });
  location.hash = hash;
  render(App);
  await get('headline');
}

describe('figures in words', () => {
  it('says a length of time in one short unit', () => {
    useLanguage('en', 'en-GB');
    expect(
      [40, 380, 4_260, 27_000, 95_000, 402_000, 5_000_000, 9_000_000].map((ms) => length(ms).replaceAll('\u00a0', ' ')),
    ).toEqual(['< 0.1 s', '0.4 s', '4.3 s', '27 s', '95 s', '7 min', '83 min', '2.5 h']);
  });

  it('never rounds a share up to all of it', () => {
    useLanguage('en', 'en-GB');
    expect([share(0, 0), share(5, 5), share(99_999, 100_000), share(1, 100_000), share(0, 9), share(2, 3)]).toEqual([
      '–',
      '100%',
      '99.9%',
      '0.1%',
      '0%',
      '66.7%',
    ]);
  });

  it('makes bars of which the longest is full, also of nothing', () => {
    const made = bars([
      ['2026-11-20', 5],
      ['2026-11-21', 20],
    ]);
    expect([made.total, made.most, made.bars.map((bar) => bar.percent)]).toEqual([25, 20, [25, 100]]);
    expect(bars([['2026-11-20', 0]]).bars[0]?.percent).toBe(0);
  });
});

describe('the panel', () => {
  it('tells both sides, how often it went well, how long it takes and what went wrong', async () => {
    await open('#/settings?section=advanced', 'healthy');
    const panel = await get('figures');
    expect(find('figures-runs')?.textContent).toContain('99.6%');
    expect(find('figures-runs')?.textContent).toContain('1,412 of 1,418');
    expect(panel.querySelectorAll('[data-test="figures-side"]')).toHaveLength(2);
    expect(panel.querySelectorAll('[data-test="figures-latency"]')).toHaveLength(2);
    expect(find('figures-errors')?.textContent).toContain('9');
    expect(find('figures-missed')?.textContent).toMatch(/Google Calendar sent no notice.*2/s);
    for (const strip of panel.querySelectorAll('[role="img"]'))
      expect(strip.getAttribute('aria-label')).toMatch(/\d+ requests in 30 days/);
    const result = await axe.run(panel, { rules: { 'color-contrast': { enabled: false } } });
    expect(result.violations.map((v) => v.id)).toEqual([]);
  });

  it('marks the side that is silent, and does not invent a time where nothing was measured', async () => {
    await open('#/settings?section=advanced', 'silent', 'de');
    await get('figures');
    const silent = document.querySelectorAll('[data-test="figures-side"][data-silent="true"]');
    expect(silent).toHaveLength(1);
    expect(silent[0]?.textContent).toContain('2 Stunden wach ohne Erfolg');
    expect(document.querySelector('[data-way="to_report"]')?.textContent).toContain('noch keine Änderung');
  });
});

describe('silence', () => {
  it('is one card with why and one next step, and the state is never "up to date"', async () => {
    await open('#/', 'silent');
    const card = await get('problem-card');
    expect(card.dataset.code).toBe('no_success_2h_google');
    expect(find('headline')?.textContent).toContain('Nothing has come through from Google for 2\u00a0hours.');
    expect(card.textContent).toContain('The service has trouble of its own.');
    expect(document.querySelectorAll('[data-test="problem-action"]')).toHaveLength(1);
    expect(document.body.textContent).not.toContain('Up to date');
  });

  it('does not guess where the cause is not known', () => {
    useLanguage('en', 'en-GB');
    expect(problemWords('no_success_2h', 'Linden', null).why).toMatch(/^Why is not known\./);
    expect(problemWords('no_success_2h_platform', 'Linden', 'unreachable').title).toContain('Linden');
  });
});
