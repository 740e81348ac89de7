import { afterEach, describe, expect, it, vi } from 'vitest';
import { settings } from '$lib/settings/state.svelte';
import { settingsFor } from '../../mock/data';
import { combo, keys } from './keys';

const ends: (() => void)[] = [];
const listen = (...args: Parameters<typeof keys.on>) => ends.push(keys.on(...args));
const press = (key: string, more: KeyboardEventInit = {}, target: EventTarget = document.body): KeyboardEvent => {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  return event;
};
const put = (html: string): HTMLElement => {
  document.body.innerHTML = html;
  return document.body.firstElementChild as HTMLElement;
};

afterEach(() => {
  ends.splice(0).forEach((end) => end());
  settings.clear();
  document.body.innerHTML = '';
});

describe('combinations', () => {
  it('are written by the sign, not by how it is typed', () => {
    expect(combo(new KeyboardEvent('keydown', { key: '?', shiftKey: true }))).toBe('?');
    expect(combo(new KeyboardEvent('keydown', { key: 'K', ctrlKey: true }))).toBe('Mod+k');
    expect(combo(new KeyboardEvent('keydown', { key: ',', metaKey: true }))).toBe('Mod+,');
    expect(combo(new KeyboardEvent('keydown', { key: 'Z', ctrlKey: true, shiftKey: true }))).toBe('Mod+Shift+z');
    expect(combo(new KeyboardEvent('keydown', { key: 'ArrowLeft', shiftKey: true }))).toBe('Shift+ArrowLeft');
  });
});

describe('keys', () => {
  it('runs the newest handler, and the older one when that one passes', () => {
    const older = vi.fn();
    const newer = vi.fn(() => false);
    listen('n', older);
    listen('n', newer);
    expect(press('n').defaultPrevented).toBe(true);
    expect([newer.mock.calls.length, older.mock.calls.length]).toEqual([1, 1]);
  });

  it('ends with the place that asked for it', () => {
    const run = vi.fn();
    keys.on('n', run)();
    press('n');
    expect(run).not.toHaveBeenCalled();
  });

  it('leaves letters alone when they are turned off, and keeps the rest', () => {
    const letter = vi.fn();
    const arrow = vi.fn();
    const mod = vi.fn();
    listen(['n', '?', '1'], letter);
    listen('ArrowLeft', arrow);
    listen('Mod+k', mod);
    settings.set({ ...settingsFor(), letter_keys: false });
    for (const key of ['n', '?', '1']) expect(press(key).defaultPrevented).toBe(false);
    press('ArrowLeft');
    press('k', { ctrlKey: true });
    expect(letter).not.toHaveBeenCalled();
    expect([arrow.mock.calls.length, mod.mock.calls.length]).toEqual([1, 1]);
    settings.set({ ...settingsFor(), letter_keys: true });
    press('n');
    expect(letter).toHaveBeenCalledOnce();
  });

  it('never takes a letter, an arrow or the undo from a field', () => {
    const run = vi.fn();
    const mod = vi.fn();
    listen(['n', 'ArrowLeft', 'Mod+z'], run);
    listen('Mod+k', mod);
    const field = put('<input type="text" />');
    press('n', {}, field);
    press('ArrowLeft', {}, field);
    press('z', { ctrlKey: true }, field);
    expect(run).not.toHaveBeenCalled();
    press('k', { ctrlKey: true }, field);
    expect(mod).toHaveBeenCalledOnce();
  });

  it('waits while a dialog or a menu has the word', () => {
    const run = vi.fn();
    const above = vi.fn();
    listen(['n', 'Mod+z'], run);
    listen('Mod+k', above, { above: true });
    const dialog = put('<div role="dialog"></div>');
    press('n');
    press('z', { ctrlKey: true });
    press('k', { ctrlKey: true });
    expect([run.mock.calls.length, above.mock.calls.length]).toEqual([0, 1]);
    dialog.remove();
    press('n');
    expect(run).toHaveBeenCalledOnce();
  });

  it('leaves arrows to a control that moves by them, and Enter to a button', () => {
    const run = vi.fn();
    listen(['ArrowRight', 'Enter'], run);
    put('<div role="radiogroup"><button role="radio">a</button></div><button id="b">b</button>');
    press('ArrowRight', {}, document.querySelector('[role="radio"]') as Element);
    press('Enter', {}, document.querySelector('#b') as Element);
    expect(run).not.toHaveBeenCalled();
    press('ArrowRight', {}, document.querySelector('#b') as Element);
    expect(run).toHaveBeenCalledOnce();
  });

  it('answers a held letter once, and lets an arrow walk on', () => {
    const letter = vi.fn();
    const arrow = vi.fn();
    listen('n', letter);
    listen('ArrowDown', arrow);
    press('n');
    press('n', { repeat: true });
    press('ArrowDown', { repeat: true });
    expect([letter.mock.calls.length, arrow.mock.calls.length]).toEqual([1, 1]);
  });

  it('lists what has a label', () => {
    listen('n', () => undefined, { label: () => 'Next' });
    listen('p', () => undefined);
    expect(keys.listed()).toEqual([{ combos: ['n'], label: 'Next' }]);
  });
});
