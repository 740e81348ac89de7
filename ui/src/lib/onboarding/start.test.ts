import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';
import { change } from '$lib/settings/change.svelte';
import { settings } from '$lib/settings/state.svelte';
import { start } from '../../mock/ipc';
import Start from './Start.svelte';

const find = <T extends HTMLElement = HTMLElement>(test: string) => document.querySelector<T>(`[data-test="${test}"]`);
const get = async <T extends HTMLElement = HTMLElement>(test: string): Promise<T> =>
  waitFor(() => find<T>(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 5_000 });

afterEach(() => {
  cleanup();
  change.reset();
  settings.clear();
});

it('does not start while the preview of another direction is read, nor where it could not be', async () => {
  let hold: (() => void) | undefined;
  let asked = 0;
  const app = start('preview', {
    language: 'en',
    slowMs: 0,
    before: (command) => {
      if (command !== 'preview_start' || (asked += 1) !== 2) return undefined;
      return new Promise<void>((_, refuse) => {
        hold = () => refuse({ code: 'offline', detail: null, field: null, retryable: true });
      });
    },
  });
  const user = userEvent.setup();
  render(Start, { overview: app.state.overview });
  const button = await get<HTMLButtonElement>('start-syncing');
  await waitFor(() => expect(button.disabled).toBe(false));
  await user.click(await get('start-direction-change'));
  await user.click(await get('direction-push'));
  await waitFor(() => expect(hold).toBeDefined());
  expect(button.disabled).toBe(true);
  hold?.();
  await get('preview-problem');
  expect(button.disabled).toBe(true);
  await user.click(await get('preview-problem-action'));
  await waitFor(() => expect(find<HTMLButtonElement>('start-syncing')?.disabled).toBe(false));
  expect(find('preview-problem')).toBeNull();
}, 30_000);
