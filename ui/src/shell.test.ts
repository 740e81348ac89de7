import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { toast } from 'svelte-sonner';
import { afterEach, describe, expect, it, vi } from 'vitest';
import App from './App.svelte';
// Loaded when first needed, which a loaded machine would make a test wait for.
import '$lib/appointments/Agenda.svelte';
import '$lib/conflicts/Decisions.svelte';
import '$lib/history/History.svelte';
import '$lib/settings/Settings.svelte';
import '$lib/shell/KeySheet.svelte';
import '$lib/shell/Palette.svelte';
import { appointments } from '$lib/appointments/state.svelte';
import { conflicts } from '$lib/conflicts/state.svelte';
import { signIn } from '$lib/onboarding/signin.svelte';
import { overview } from '$lib/overview/state.svelte';
import { settings } from '$lib/settings/state.svelte';
import { info } from '$lib/shell/info.svelte';
import { palette } from '$lib/shell/palette.svelte';
import { sheet } from '$lib/shell/sheet.svelte';
import { offerUndo, undo } from '$lib/shell/undo.svelte';
import { start } from './mock/ipc';
import type { Scenario } from './mock/model';

// Lazily loaded parts and axe take their time where much else runs.
vi.setConfig({ testTimeout: 30_000 });

const find = (test: string): HTMLElement | null => document.querySelector(`[data-test="${test}"]`);
const all = (test: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`)];
const get = (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 15_000 });

async function open(scenario: Scenario, route = '/', language = 'en', more: Parameters<typeof start>[1] = {}) {
  const app = start(scenario, { language, slowMs: 0, ...more });
  location.hash = `#${route}`;
  render(App);
  await get('headline');
  await waitFor(() => expect(info.value).toBeTruthy());
  return { app, user: userEvent.setup() };
}

afterEach(() => {
  palette.open = false;
  sheet.open = false;
  undo.clear();
  toast.dismiss();
  cleanup();
  for (const resource of [overview, appointments, conflicts, settings, info]) resource.clear();
  signIn.view = null;
  signIn.error = undefined;
  document.body.innerHTML = '';
  vi.useRealTimers();
});

async function problems(): Promise<string[]> {
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

describe('palette', () => {
  it('opens by key, finds an appointment by title, and goes there', async () => {
    const { user } = await open('healthy');
    await user.keyboard('{Control>}k{/Control}');
    const field = await get('palette-find');
    await waitFor(() => expect(all('palette-row').length).toBeGreaterThan(5));
    await waitFor(() => expect(document.activeElement).toBe(field));
    await user.keyboard('rosen');
    await waitFor(() => expect(all('palette-row')[0]?.textContent).toContain('Rosen-Apotheke'));
    expect(field.getAttribute('aria-activedescendant')).toBe(all('palette-row')[0]?.id);
    await user.keyboard('{Enter}');
    await waitFor(() => expect(location.hash).toMatch(/^#\/appointments\/apt_/));
    expect(find('palette')).toBeNull();
  });

  it('keeps what a title from outside does to itself', async () => {
    const { app, user } = await open('healthy');
    const title = '\u202eRosen بيدلية';
    app.state.rows.forEach((row) => (row.title = title));
    await app.changed('appointments');
    await user.keyboard('{Control>}k{/Control}');
    const shown = () => all('palette-row').map((row) => row.querySelector('.label > bdi')?.textContent);
    await user.type(await get('palette-find'), 'rosen');
    await waitFor(() => expect(shown()).toContain(title));
  });

  it('walks by arrows and comes around', async () => {
    const { user } = await open('healthy');
    await user.keyboard('{Control>}k{/Control}');
    await waitFor(() => expect(all('palette-row').length).toBeGreaterThan(5));
    const field = await get('palette-find');
    await waitFor(() => expect(document.activeElement).toBe(field));
    const chosen = () => all('palette-row').findIndex((row) => row.getAttribute('aria-selected') === 'true');
    await user.keyboard('{ArrowDown}{ArrowDown}');
    expect(chosen()).toBe(2);
    await user.keyboard('{ArrowUp}{ArrowUp}{ArrowUp}');
    expect(chosen()).toBe(all('palette-row').length - 1);
  });

  it('keeps what was chosen when appointments arrive above it', async () => {
    let arrive = () => {};
    const late = new Promise<void>((done) => (arrive = done));
    const { app, user } = await open('healthy', '/', 'en', {
      before: (command) => (command === 'list_appointments' ? late : undefined),
    });
    Object.assign(app.state.rows[0] ?? {}, { title: 'Hist' });
    await user.keyboard('{Control>}k{/Control}');
    const field = await get('palette-find');
    await waitFor(() => expect(document.activeElement).toBe(field));
    await user.keyboard('hist');
    const ids = () => all('palette-row').map((row) => row.dataset.id);
    await waitFor(() => expect(ids()).toContain('place-/history'));
    const chosen = () => all('palette-row').find((row) => row.getAttribute('aria-selected') === 'true')?.dataset.id;
    await user.keyboard('{ArrowDown}');
    const before = chosen();
    const scrolled: (string | undefined)[] = [];
    const scroll = vi.spyOn(Element.prototype, 'scrollIntoView').mockImplementation(function (this: Element) {
      scrolled.push((this as HTMLElement).dataset.id);
    });
    arrive();
    await waitFor(() => expect(ids()[0]).toBe('appointment-apt_1'));
    expect(chosen()).toBe(before);
    expect(field.getAttribute('aria-activedescendant')).toBe(`palette-${before}`);
    await waitFor(() => expect(scrolled).toContain(before));
    scroll.mockRestore();
    // What is typed begins at the best again.
    await user.keyboard('{Backspace}');
    expect(chosen()).toBe(ids()[0]);
  });

  it('does what can be done now, and offers nothing else', async () => {
    const { app, user } = await open('paused');
    await user.keyboard('{Control>}k{/Control}');
    await waitFor(() => expect(all('palette-row').length).toBeGreaterThan(5));
    const ids = all('palette-row').map((row) => row.dataset.id);
    expect(ids).toContain('resume');
    expect(ids).not.toContain('sync-now');
    await user.type(await get('palette-find'), 'resume');
    await user.keyboard('{Enter}');
    await waitFor(() => expect(app.state.overview.paused_until).toBeNull());
  });

  it('says when nothing is found, and reads well', async () => {
    const { user } = await open('conflicts', '/', 'de');
    await user.keyboard('{Control>}k{/Control}');
    await waitFor(() => expect(all('palette-row').length).toBeGreaterThan(5));
    expect(await problems()).toEqual([]);
    await user.type(await get('palette-find'), 'qqq');
    await waitFor(() => expect(find('palette-count')?.textContent).toContain('„qqq“'));
    expect(await problems()).toEqual([]);
  });
});

describe('keys', () => {
  it('are listed by "?", and single ones turned off right there', async () => {
    const { app, user } = await open('healthy');
    await user.keyboard('?');
    await get('key-sheet');
    expect(await problems()).toEqual([]);
    await user.click(await get('sheet-letter-keys'));
    await waitFor(() => expect(app.state.settings.letter_keys).toBe(false));
    await user.click(await get('key-sheet-close'));
    await waitFor(() => expect(find('key-sheet')).toBeNull());
    await user.keyboard('?');
    expect(sheet.open).toBe(false);
    await user.keyboard('{F1}');
    await get('key-sheet');
  });

  it('lead to the places and to the settings', async () => {
    const { user } = await open('healthy');
    await user.keyboard('{Control>}4{/Control}');
    await waitFor(() => expect(location.hash).toBe('#/history'));
    await user.keyboard('{Control>},{/Control}');
    // With the section that was open last.
    await waitFor(() => expect(location.hash).toMatch(/^#\/settings/));
  });

  it('find by the field of the place, and by the palette where there is none', async () => {
    const { user } = await open('healthy');
    await user.keyboard('{Control>}f{/Control}');
    await get('palette');
  });

  it('take back what was done last', async () => {
    const { user } = await open('healthy');
    const back = vi.fn(async () => undefined);
    offerUndo({ text: 'Left out', undo: back });
    await user.keyboard('{Control>}z{/Control}');
    expect(back).toHaveBeenCalledOnce();
    await user.keyboard('{Control>}z{/Control}');
    expect(back).toHaveBeenCalledOnce();
  });
});

describe('start with the laptop', () => {
  it('is asked once, after it worked, and the answer is kept', async () => {
    const { app, user } = await open('healthy');
    await user.click(await get('autostart-no'));
    await waitFor(() => expect(app.state.settings.autostart).toBe(false));
    await waitFor(() => expect(find('ask-autostart')).toBeNull());
  });

  it('waits while something else is asked', async () => {
    await open('reauth');
    await get('problem-card');
    expect(find('ask-autostart')).toBeNull();
  });
});

describe('dashboard', () => {
  it('makes its numbers ways to their lists', async () => {
    const { user } = await open('healthy');
    const links = all('fact');
    expect(links.map((link) => link.dataset.to)).toEqual(['synced', 'waiting', 'left_out', 'removed']);
    await user.click(links[1] as HTMLElement);
    await waitFor(() => expect(location.hash).toBe('#/appointments?state=waiting'));
  });

  it('offers one filled way to reconnect, not two', async () => {
    await open('reauth');
    await get('problem-action');
    expect(find('reconnect-google')).toBeNull();
    expect(find('account-google')?.dataset.status).toBe('needs_reauth');
  });

  it('does not say the headline a second time', async () => {
    await open('error');
    const headline = find('headline')?.textContent?.trim() ?? '';
    const card = await get('problem-card');
    expect(headline).toBe('Google Calendar can’t be reached.');
    expect(card.textContent).not.toContain(headline);
  });

  it('shows how fresh each side is on every screen', async () => {
    const { app } = await open('healthy', '/settings');
    const account = app.state.overview.calendar;
    if (account) account.last_read_at = new Date(Date.now() - 24_000).toISOString();
    await app.changed('overview');
    await waitFor(() => expect(find('side-calendar')?.textContent).toContain('checked 20 s ago'));
    expect(find('side-platform')?.textContent).toContain('2 min');
  });
});

describe('the way in', () => {
  it('asks which way before anything is written, and draws the preview again', async () => {
    const { app, user } = await open('preview');
    await user.click(await get('start-direction-change'));
    await user.click(await get('direction-push'));
    await waitFor(() => expect(app.state.settings.direction).toBe('push'));
    expect(app.state.overview.started).toBe(false);
    await get('start-syncing');
    expect(await problems()).toEqual([]);
  });

  it('keeps what was typed and says beside the field what is missing', async () => {
    const { user } = await open('fresh');
    await waitFor(() => expect(document.activeElement).toBe(find('platform-address')));
    await user.keyboard('{Enter}');
    const error = await get('address-error');
    expect(find('platform-address')?.getAttribute('aria-describedby')).toContain(error.id);
  });
});
