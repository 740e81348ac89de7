import { cleanup, render, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { createRawSnippet } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import Menu from './Menu.svelte';
import Moment from './Moment.svelte';

vi.setConfig({ testTimeout: 30_000 });

const find = (test: string): HTMLElement | null => document.querySelector(`[data-test="${test}"]`);
const get = (test: string): Promise<HTMLElement> =>
  waitFor(() => find(test) ?? Promise.reject(new Error(`no ${test}`)), { timeout: 15_000 });
const words = (text: string) => createRawSnippet(() => ({ render: () => `<span>${text}</span>` }));

afterEach(() => {
  cleanup();
  document.body.innerHTML = '';
});

describe('a menu', () => {
  function open() {
    const run = vi.fn();
    const items = ['one', 'two'].map((test) => ({ test, label: test, run: () => run(test) }));
    render(Menu, { items, test: 'm', children: words('More') });
    const after = document.createElement('button');
    document.body.append(after);
    return { run, after, user: userEvent.setup() };
  }

  it('is worked by keyboard alone: the first entry is ready, Escape leads back', async () => {
    const { run, user } = open();
    const button = await get('m');
    expect(button.getAttribute('aria-haspopup')).toBe('menu');
    await user.tab();
    expect(document.activeElement).toBe(button);
    await user.keyboard('{Enter}');
    const one = await get('one');
    expect(button.getAttribute('aria-expanded')).toBe('true');
    expect(document.getElementById(button.getAttribute('aria-controls') ?? '')?.getAttribute('role')).toBe('menu');
    await waitFor(() => expect(document.activeElement).toBe(one));
    await user.keyboard('{Escape}');
    await waitFor(() => expect(document.activeElement).toBe(button));
    expect(find('one')).toBeNull();
    await user.keyboard('{ArrowDown}');
    await get('one');
    await waitFor(() => expect(document.activeElement).toBe(find('one')));
    await user.keyboard('{ArrowDown}{Enter}');
    await waitFor(() => expect(run).toHaveBeenCalledWith('two'));
    await waitFor(() => expect(find('one')).toBeNull());
  });

  it('is left by Tab towards what follows its button', async () => {
    const { after, user } = open();
    await user.tab();
    await user.keyboard('{Enter}');
    const one = await get('one');
    await waitFor(() => expect(document.activeElement).toBe(one));
    await user.tab();
    await waitFor(() => expect(find('one')).toBeNull());
    await waitFor(() => expect(document.activeElement).toBe(after));
  });

  it('opens and closes with its button', async () => {
    const { user } = open();
    const button = await get('m');
    await user.click(button);
    await get('one');
    button.click();
    await waitFor(() => expect(find('one')).toBeNull());
    expect(button.getAttribute('aria-expanded')).toBe('false');
  });
});

describe('a moment', () => {
  const tip = () => document.querySelector('[role="tooltip"]');

  it('says the exact time at focus by keyboard and at rest of the pointer, and Escape hides it', async () => {
    render(Moment, { at: '2026-11-20T08:00:00Z' });
    const user = userEvent.setup();
    const button = document.querySelector<HTMLElement>('button.moment')!;
    await user.tab();
    await waitFor(() => expect(tip()?.textContent).toMatch(/2026/));
    expect(button.getAttribute('aria-describedby')).toBe(tip()?.id);
    await user.keyboard('{Escape}');
    expect(tip()).toBeNull();
    button.blur();
    await user.hover(button);
    await waitFor(() => expect(tip()).not.toBeNull());
    // The tip can be reached by the pointer.
    await user.hover(tip() as Element);
    await new Promise((done) => setTimeout(done, 250));
    expect(tip()).not.toBeNull();
    await user.unhover(tip() as Element);
    await waitFor(() => expect(tip()).toBeNull());
  });
});
