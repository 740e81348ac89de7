import { cleanup, render } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { toast } from 'svelte-sonner';
import { tick } from 'svelte';
import type { SignInView } from '$lib/bindings';
import { useLanguage } from '$lib/i18n/locale.svelte';
import { start } from '../../mock/ipc';
import SignInWait from './SignInWait.svelte';
import { signIn } from './signin.svelte';

const find = (test: string) => document.querySelector<HTMLElement>(`[data-test="${test}"]`);

afterEach(() => {
  cleanup();
  signIn.view = null;
  signIn.error = undefined;
  [signIn.movesBehind, signIn.evenSo] = [0, false];
});

describe('a browser that does not open', () => {
  for (const [language, words, how] of [
    ['en', 'The browser couldn’t be opened.', 'Copy the link'],
    ['de', 'Der Browser ließ sich nicht öffnen.', 'Kopieren Sie den Link'],
  ] as const)
    it(`is said while the sign-in waits, with the link to copy: ${language}`, async () => {
      start('fresh', { language });
      useLanguage(language, language);
      await signIn.begin('platform', 'https://nobrowser.example');
      expect(signIn.view).toMatchObject({ state: 'waiting', problem: 'no_browser' });
      render(SignInWait, { service: 'platform', onretry: () => undefined });
      expect(find('sign-in-waiting')?.textContent).toContain(words);
      expect(find('sign-in-waiting')?.textContent).toContain(how);
      expect(find('sign-in-copy')?.dataset.url).toContain('https://');
      expect(find('sign-in-cancel')).not.toBeNull();
    });

  it('is not lost to an event without it, and brings back no sign-in that is over', async () => {
    start('fresh', { language: 'en' });
    const heard = async (view: Partial<SignInView>) => {
      const begun = signIn.begin('platform', 'https://nobrowser.example');
      signIn.view = { service: 'platform', state: 'waiting', url: null, problem: null, accounts: null, ...view };
      await begun;
      return signIn.view;
    };
    expect(await heard({})).toMatchObject({ state: 'waiting', problem: 'no_browser' });
    expect(await heard({ state: 'done' })).toMatchObject({ state: 'done', problem: null });
    expect(await heard({ problem: 'other_account' })).toMatchObject({ problem: 'other_account' });
  });
});

describe('a double click', () => {
  it('begins one sign-in', async () => {
    const app = start('fresh', { language: 'en', slowMs: 0 });
    await Promise.all([signIn.begin('google'), signIn.begin('google')]);
    expect(app.asked('begin_sign_in')).toBe(1);
    expect(signIn.busy).toBe(false);
    signIn.view = null;
    await signIn.begin('google');
    expect(app.asked('begin_sign_in')).toBe(2);
  });
});

describe('another account than before', () => {
  it('is taken over moves that would stay behind only with a word on it', async () => {
    const app = start('healthy', { language: 'en', slowMs: 0 });
    useLanguage('en', 'en-GB');
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row) row.reason = 'retrying';
    const accounts: [string, string] = ['kim@example.com', 'lee@example.com'];
    signIn.view = { service: 'google', state: 'failed', url: null, problem: 'other_account', accounts };
    render(SignInWait, { service: 'google', onretry: () => undefined });
    find('other-account-accept')?.click();
    await vi.waitFor(() => expect(find('other-account-unreported')?.dataset.count).toBe('1'));
    find('other-account-even-so')?.click();
    await vi.waitFor(() => expect(signIn.evenSo).toBe(true));
    find('other-account-accept')?.click();
    await vi.waitFor(() => expect(find('other-account')).toBeNull());
    expect(signIn.view).toBeNull();
  });
});

describe('moves that would stay behind with the account before', () => {
  it('are looked for afresh by the next click, without the word to go on even so', async () => {
    const app = start('healthy', { language: 'en', slowMs: 0 });
    useLanguage('en', 'en-GB');
    const rows = app.state.rows.filter((r) => ['waiting', 'synced'].includes(r.badge)).slice(0, 2);
    for (const row of rows) row.reason = 'retrying';
    const accounts: [string, string] = ['kim@example.com', 'lee@example.com'];
    signIn.view = { service: 'google', state: 'failed', url: null, problem: 'other_account', accounts };
    render(SignInWait, { service: 'google', onretry: () => undefined });
    find('other-account-accept')?.click();
    await vi.waitFor(() => expect(find('other-account-unreported')?.dataset.count).toBe('2'));
    // One of them reached the platform meanwhile, and then the other.
    for (const [row, left] of [
      [rows[0], '1'],
      [rows[1], undefined],
    ] as const) {
      if (row) row.reason = null;
      expect(find('other-account-accept')?.hasAttribute('disabled')).toBe(false);
      find('other-account-accept')?.click();
      await vi.waitFor(() => expect(find('other-account-unreported')?.dataset.count).toBe(left));
      expect(find('other-account-even-so')?.getAttribute('aria-checked')).toBe(left && 'false');
    }
    await vi.waitFor(() => expect(find('other-account')).toBeNull());
  });

  it('are asked about anew where the word was on another number', async () => {
    let refused = 0;
    start('healthy', {
      language: 'en',
      slowMs: 0,
      before: (command) => {
        if (command !== 'confirm_other_account') return;
        refused += 1;
        throw { code: 'moves_waiting', detail: String(refused), field: null, retryable: false };
      },
    });
    signIn.view = { service: 'google', state: 'failed', url: null, problem: 'other_account', accounts: ['a', 'b'] };
    await signIn.answerOtherAccount(true);
    signIn.evenSo = true;
    await signIn.answerOtherAccount(true);
    expect([signIn.movesBehind, signIn.evenSo]).toEqual([2, false]);
  });
});

describe('while both sides are looked at before another account is taken', () => {
  it('neither answer can be given a second time, and the window says what it does', async () => {
    const app = start('healthy', { language: 'en', slowMs: 0 });
    useLanguage('en', 'en-GB');
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row) row.reason = 'retrying';
    const accounts: [string, string] = ['kim@example.com', 'lee@example.com'];
    signIn.view = { service: 'google', state: 'failed', url: null, problem: 'other_account', accounts };
    render(SignInWait, { service: 'google', onretry: () => undefined });
    const accepted = signIn.answerOtherAccount(true);
    const kept = signIn.answerOtherAccount(false);
    await tick();
    for (const button of ['keep', 'accept'])
      expect(find(`other-account-${button}`)?.hasAttribute('disabled'), button).toBe(true);
    expect(find('other-account-looking')?.textContent).toContain('Looking at both sides');
    await Promise.all([accepted, kept]);
    await tick();
    // The question stays, with what accepting would cost.
    expect(find('other-account-unreported')?.dataset.count).toBe('1');
    expect(find('other-account-keep')?.hasAttribute('disabled')).toBe(false);
    expect(find('other-account-looking')).toBeNull();
  });
});

describe('what was heard while another account was being answered', () => {
  const question: SignInView = {
    service: 'google',
    state: 'failed',
    url: null,
    problem: 'other_account',
    accounts: ['kim@example.com', 'lee@example.com'],
  };
  /** The answer comes only when `answer` is called. */
  function held(retrying = false) {
    let answer = () => {};
    const waits = new Promise<void>((resolve) => (answer = resolve));
    const before = (command: string) => (command === 'confirm_other_account' ? waits : undefined);
    const app = start('healthy', { language: 'en', slowMs: 0, before });
    const row = app.state.rows.find((r) => r.badge === 'waiting');
    if (row && retrying) row.reason = 'retrying';
    signIn.view = { ...question };
    return () => answer();
  }

  it('is not wiped by the end of that answer: a newer sign-in, or why it failed', async () => {
    for (const heard of [
      { ...question, service: 'platform', state: 'waiting', problem: null, accounts: null },
      { ...question, problem: 'keychain', accounts: null },
    ]) {
      const answer = held();
      const answered = signIn.answerOtherAccount(true);
      signIn.view = heard;
      answer();
      await answered;
      expect(signIn.view).toEqual(heard);
    }
  });

  it('is not asked what the older question would cost', async () => {
    const answer = held(true);
    const answered = signIn.answerOtherAccount(true);
    signIn.view = { ...question, service: 'platform' };
    answer();
    await answered;
    expect(signIn.movesBehind).toBe(0);
    expect(signIn.answering).toBe(false);
  });
});

describe('copying the link', () => {
  it('says so when the system refuses', async () => {
    start('fresh', { language: 'en' });
    useLanguage('en', 'en-GB');
    await signIn.begin('platform', 'https://platform.example');
    render(SignInWait, { service: 'platform', onretry: () => undefined });
    const failed = vi.spyOn(toast, 'error');
    vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText: () => Promise.reject(new Error('denied')) } });
    find('sign-in-copy')?.click();
    await vi.waitFor(() => expect(failed.mock.calls[0]?.[0]).toBe('It couldn’t be copied.'));
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
});
