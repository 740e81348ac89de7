import { cleanup, render, waitFor } from '@testing-library/svelte';
import { afterEach, expect, it, vi } from 'vitest';
import App from '../../App.svelte';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { start } from '../../mock/ipc';
import type { Scenario } from '../../mock/model';
import './Advanced.svelte';
import './Settings.svelte';

const get = async (test: string): Promise<HTMLElement> =>
  waitFor(
    () => document.querySelector<HTMLElement>(`[data-test="${test}"]`) ?? Promise.reject(new Error(`no ${test}`)),
    { timeout: 10_000 },
  );

vi.setConfig({ testTimeout: 40_000 });
afterEach(() => {
  cleanup();
  useLanguage('en', 'en-GB');
});

async function open(scenario: Scenario, language: string) {
  start(scenario, { language, slowMs: 0 });
  location.hash = '#/settings?section=advanced&at=live';
  render(App);
}

it('says that it stands, since when, and when the channel was renewed', async () => {
  await open('healthy', 'en');
  const platform = await get('live-platform');
  expect(platform.dataset['state']).toBe('open');
  expect(platform.textContent).toMatch(/connected for\s*\d/);
  expect((await get('live-calendar')).textContent).toContain('Channel renewed');
});

it('says why it does not, what happens instead, and when it is tried again', async () => {
  await open('offline', 'de');
  const platform = await get('live-platform');
  expect(platform.dataset['state']).toBe('broken');
  expect(platform.textContent).toMatch(/alle 15 Minuten geprüft[^]*abgebrochen[^]*nächster Versuch/);
  expect((await get('live-calendar')).dataset['state']).toBe('false');
});
