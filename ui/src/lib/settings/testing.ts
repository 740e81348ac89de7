/** What the tests of Settings and of leaving share: the window with a played app, and what is found in it. */
import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import App from '../../App.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { overview } from '$lib/overview/state.svelte';
import { leaving } from '$lib/privacy/leaving.svelte';
import { mirror } from '$lib/privacy/mirror.svelte';
import { info } from '$lib/shell/info.svelte';
import { start } from '../../mock/ipc';
import type { Scenario } from '../../mock/model';
import { change } from './change.svelte';
// Loaded by the window when needed; a slow machine's first look at them is not part of a test.
import './About.svelte';
import './Advanced.svelte';
import './Settings.svelte';
import '$lib/privacy/DeleteEverything.svelte';
import { settings } from './state.svelte';

export const find = <T extends HTMLElement = HTMLElement>(test: string): T | null =>
  document.querySelector<T>(`[data-test="${test}"]`);
export const all = (test: string): HTMLElement[] => [
  ...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`),
];
export const get = async <T extends HTMLElement = HTMLElement>(test: string): Promise<T> =>
  waitFor(() => find<T>(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 5_000 });
export const gone = (test: string) => waitFor(() => expect(find(test)).toBeNull(), { timeout: 5_000 });

export type Played = ReturnType<typeof start>;
export async function open(
  section: string,
  scenario: Scenario = 'healthy',
  before?: (app: Played) => void,
  gate?: (command: string) => unknown,
): Promise<Played> {
  const app = start(scenario, { language: 'en', slowMs: 0, before: gate });
  before?.(app);
  location.hash = `#/settings?section=${section}`;
  render(App);
  await get('headline');
  return app;
}
export async function problems(): Promise<string[]> {
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}
export const type = async (field: HTMLElement, text: string) => {
  const user = userEvent.setup();
  await user.clear(field);
  if (text) await user.type(field, text.replaceAll('[', '[[').replaceAll('{', '{{'));
};
export const pick = async (test: string) => userEvent.setup().click(await get(test));

/** Each test begins with nothing of the one before. */
export function eachAlone(): void {
  // Whole screens on a machine that builds something else meanwhile.
  vi.setConfig({ testTimeout: 40_000 });
  beforeEach(() => localStorage.clear());
  afterEach(() => {
    cleanup();
    change.reset();
    leaving.close();
    mirror.clear();
    for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
    document.body.replaceChildren();
  });
}
