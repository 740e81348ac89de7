import { waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { overview } from '$lib/overview/state.svelte';
import { auditDetails } from './audit';
import { all, eachAlone, find, get, gone, open, pick, problems, type } from './testing';

eachAlone();

const needs = (button: string): string | undefined => {
  const id = find(button)?.getAttribute('aria-describedby');
  return id ? document.getElementById(id)?.textContent : undefined;
};

describe('disconnecting with deletion', () => {
  it('is not to be pressed before the true number is there, and asks for it again where it could not be had', async () => {
    let works = false;
    await open('accounts', 'healthy', undefined, (command) => {
      if (command === 'preview_delete_everything' && !works)
        throw { code: 'offline', detail: null, field: null, retryable: true };
    });
    await pick('disconnect-google');
    await pick('disconnect-events-delete');
    await waitFor(() => expect(needs('disconnect-confirm')).toMatch(/couldn’t be counted/));
    expect((await get<HTMLButtonElement>('disconnect-confirm')).disabled).toBe(true);
    expect(find('disconnect-confirm')?.textContent).not.toMatch(/\d/);
    expect(await problems()).toEqual([]);
    works = true;
    await pick('disconnect-count-again');
    await waitFor(() => expect(find('disconnect-confirm')?.textContent).toMatch(/delete \d+ events/));
    expect((await get<HTMLButtonElement>('disconnect-confirm')).disabled).toBe(false);
    expect(find('disconnect-count')).toBeNull();
  });

  it('says what is missing where only one service is connected', async () => {
    await open('accounts');
    const internals = (window as unknown as { __TAURI_INTERNALS__: { invoke: (...a: unknown[]) => Promise<unknown> } })
      .__TAURI_INTERNALS__;
    const real = internals.invoke;
    internals.invoke = async (...a) => {
      const answer = await real(...a);
      return a[0] === 'preview_delete_everything' ? { ...(answer as object), local_only: true } : answer;
    };
    await pick('disconnect-google');
    await pick('disconnect-events-delete');
    await waitFor(() => expect(needs('disconnect-confirm')).toMatch(/only while .* is connected as well/));
    expect(find('disconnect-count-again')).toBeNull();
    expect((await get<HTMLButtonElement>('disconnect-confirm')).disabled).toBe(true);
    internals.invoke = real;
  });

  it('asks about a move that only the look before the deletion finds', async () => {
    const app = await open('accounts');
    await pick('disconnect-google');
    await pick('disconnect-events-delete');
    await waitFor(() => expect(app.asked('preview_delete_everything')).toBe(1));
    await waitFor(() => expect(find('disconnect-confirm')?.textContent).toMatch(/delete \d+ events/));
    expect(find('disconnect-unreported')).toBeNull();
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row) row.reason = 'retrying';
    await pick('disconnect-confirm');
    expect((await get('disconnect-unreported')).dataset.count).toBe('1');
    expect(app.state.overview.calendar).not.toBeNull();
    expect(document.querySelector('[data-sonner-toast]')).toBeNull();
    expect(needs('disconnect-confirm')).toBe('To go on, choose “Go on even so” first.');
    expect(await problems()).toEqual([]);
    await pick('disconnect-even-so');
    expect(needs('disconnect-confirm')).toBeUndefined();
    await pick('disconnect-confirm');
    await gone('disconnect-dialog');
    expect(app.state.overview.calendar).toBeNull();
  });
});

describe('deleting everything', () => {
  it('lists, asks for a word with the focus on "Cancel", and ends with a proof', async () => {
    const app = await open('advanced');
    await pick('delete-everything');
    const plan = await get('delete-plan');
    expect(plan.textContent).toContain('None of them is touched');
    await waitFor(() => expect(document.activeElement).toBe(find('delete-cancel')));
    expect(await problems()).toEqual([]);
    expect(find<HTMLButtonElement>('delete-confirm')?.disabled).toBe(true);
    await userEvent.setup().type(await get('delete-word'), 'no{Enter}');
    await get('delete-word-error');
    expect(app.state.overview.platform).not.toBeNull();
    await type(await get('delete-word'), 'delete');
    expect(find('delete-confirm')?.textContent).toBe(`Delete ${plan.dataset.events} events and everything here`);
    await pick('delete-confirm');
    const proof = await get('proof');
    expect(proof.dataset.clean).toBe('true');
    expect(proof.textContent).toContain('finds 0 of our events');
    expect(all('proof-line').find((l) => l.dataset.key === 'platform_told')?.textContent).toContain('Linden Akademie');
    expect(await problems()).toEqual([]);
    await pick('proof-save');
    await waitFor(() => expect(document.body.textContent).toContain('roundtrip-proof.json'));
    await pick('proof-close');
    await waitFor(() => expect(find('onboarding')).not.toBeNull());
  });

  it('says what is not done, instead of a proof', async () => {
    await open('advanced', 'error');
    await pick('delete-everything');
    await type(await get('delete-word'), 'DELETE');
    await pick('delete-confirm');
    const proof = await get('proof');
    expect(proof.dataset.clean).toBe('false');
    expect((await get('proof-problem')).dataset.code).toBe('events_remain');
    expect(all('proof-line').find((l) => l.dataset.key === 'left')?.dataset.state).toBe('no');
    await get('proof-again');
  });

  it('deletes nothing when the number has changed, and shows the new one', async () => {
    const app = await open('advanced');
    await pick('delete-everything');
    const shown = Number((await get('delete-plan')).dataset.events);
    const synced = app.state.rows.find((r) => r.badge === 'synced');
    if (synced) synced.badge = 'left_out';
    await type(await get('delete-word'), 'DELETE');
    await pick('delete-confirm');
    await get('delete-stale');
    await waitFor(() => expect(Number(find('delete-plan')?.dataset.events)).toBe(shown - 1));
    expect(app.state.overview.platform).not.toBeNull();
  });

  it('asks before moves are lost that the platform does not have yet', async () => {
    const app = await open('advanced');
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row) row.reason = 'retrying';
    await pick('delete-everything');
    expect((await get('delete-unreported')).dataset.count).toBe('1');
    await type(await get('delete-word'), 'DELETE');
    expect((await get('delete-confirm')).hasAttribute('disabled')).toBe(true);
    expect(needs('delete-confirm')).toBe('To go on, choose “Go on even so” first.');
    expect(await problems()).toEqual([]);
    await pick('delete-even-so');
    expect(needs('delete-confirm')).toBeUndefined();
    expect(find('delete-needs')).toBeNull();
    await pick('delete-confirm');
    expect((await get('proof')).dataset.clean).toBe('true');
  });

  it('waits for the end of the run that is to bring the moves over, and looks again then', async () => {
    const app = await open('advanced');
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row) row.reason = 'retrying';
    await pick('delete-everything');
    await get('delete-unreported');
    const looked = app.asked('preview_delete_everything');
    await pick('delete-sync');
    await waitFor(() => expect(find('delete-sync')?.getAttribute('aria-disabled')).toBe('true'));
    expect(find('delete-synced')?.textContent).toContain('Syncing…');
    await pick('delete-sync');
    expect(app.asked('sync_now')).toBe(1);
    expect(app.asked('preview_delete_everything')).toBe(looked);
    await waitFor(() => expect(find('delete-synced')?.dataset.how).toBe('done'), { timeout: 8_000 });
    expect(find('delete-unreported')).toBeNull();
    expect(document.activeElement).toBe(find('delete-cancel'));
  });

  it('says why a run brought nothing over, and asks for none while syncing rests', async () => {
    const app = await open('advanced');
    const row = app.state.rows.find((r) => r.badge === 'synced');
    if (row) row.reason = 'retrying';
    await pick('delete-everything');
    await pick('delete-sync');
    await waitFor(() => expect(find('delete-synced')?.dataset.how).toBe('still'), { timeout: 8_000 });
    expect((await get('delete-unreported')).dataset.count).toBe('1');
    expect(find('delete-synced')?.textContent).toContain('Linden Akademie');
    expect(await problems()).toEqual([]);
    app.state.overview.paused_for_ever = true;
    await app.changed('overview');
    await waitFor(() => expect(overview.value?.paused_for_ever).toBe(true));
    await pick('delete-sync');
    await waitFor(() => expect(find('delete-synced')?.dataset.how).toBe('rests'));
    expect(app.asked('sync_now')).toBe(1);
  });

  it('says so while offline', async () => {
    await open('advanced', 'offline');
    await pick('delete-everything');
    await type(await get('delete-word'), 'DELETE');
    await pick('delete-confirm');
    expect((await get('delete-problem')).dataset.code).toBe('offline');
  });

  it('is not the first thing offered: pausing is one click', async () => {
    const app = await open('advanced');
    await pick('danger-pause');
    await waitFor(() => expect(app.state.overview.paused_for_ever).toBe(true));
    await get('danger-resume');
  });
});

// Its toast stays, so this is the last one.
describe('disconnecting', () => {
  it('says for as long as it takes how to take back a permission that could not be given back', async () => {
    await open('accounts');
    const internals = (window as unknown as { __TAURI_INTERNALS__: { invoke: (...a: unknown[]) => Promise<unknown> } })
      .__TAURI_INTERNALS__;
    const real = internals.invoke;
    internals.invoke = async (...a) => {
      const answer = await real(...a);
      return a[0] === 'disconnect' ? true : answer;
    };
    await pick('disconnect-google');
    await pick('disconnect-confirm');
    await gone('disconnect-dialog');
    await waitFor(() =>
      expect(document.querySelector('[data-sonner-toast][data-type="warning"]')?.textContent).toMatch(
        /is disconnected.*Take it back yourself: https:\/\/myaccount\.google\.com/,
      ),
    );
    internals.invoke = real;
    expect(auditDetails('{"service":"google","revoked":false,"grant_left":true}', 'Linden')).toBe(
      'Google Calendar · Permission couldn’t be given back',
    );
    expect(auditDetails('{"service":"google","revoked":false,"grant_left":false}', 'Linden')).toBe('Google Calendar');
  });
});
