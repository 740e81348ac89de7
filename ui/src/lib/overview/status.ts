import type { Account, Overview, OverallState } from '$lib/bindings';
import { silent } from '$lib/i18n/problems';
import { age, clock, daysBetween, dayKey, moment } from '$lib/i18n/time';
import { m } from '$lib/paraglide/messages';

const WORDS: Record<OverallState, () => string> = {
  starting: () => m.state_starting(),
  not_connected: () => m.state_not_connected(),
  needs_attention: () => m.state_needs_attention(),
  offline: () => m.state_offline(),
  paused: () => m.state_paused(),
  syncing: () => m.state_syncing(),
  up_to_date: () => m.state_up_to_date(),
};

export const stateWord = (state: OverallState): string => WORDS[state]();

/** No network; one service that cannot be reached is something else. */
export const offline = ({ state, problem }: Pick<Overview, 'state' | 'problem'>): boolean =>
  state === 'offline' && (problem?.code ?? 'offline') === 'offline';

/**
 * Nothing is synced because the trainer wants none now: turned off in the settings, or paused. Something that needs them may
 * come first in `state`, so that alone does not tell.
 */
export const rest = ({ enabled, paused_until, paused_for_ever }: Overview): 'off' | 'paused' | null =>
  !enabled ? 'off' : paused_until || paused_for_ever ? 'paused' : null;

/** What follows from "Try again": nothing is tried before a rest ends. */
export const retryWord = (overview: Overview | undefined): string =>
  overview && rest(overview) ? m.toast_retry_later() : m.toast_retry();

/** The state in one short line; "Up to date" and "Offline" always say as of when. */
export function statusLine(overview: Overview, nowMs: number): string {
  const { state, as_of, time_zone: zone } = overview;
  // Offline is said only where it is the network; one service that cannot be reached is waited for.
  const word = state === 'offline' && !offline(overview) ? m.state_waiting() : stateWord(state);
  if (state === 'syncing' && overview.progress && overview.progress.total > 0)
    return m.state_progress({ done: overview.progress.done, total: overview.progress.total });
  if (state === 'paused' && overview.paused_until && overview.enabled)
    return m.state_paused_until({ time: endTime(overview.paused_until, zone, nowMs) });
  if (state === 'up_to_date' && as_of) return m.state_with_age({ state: word, age: age(as_of, zone, nowMs) });
  if (state === 'offline' && as_of) return m.state_as_of({ state: word, time: endTime(as_of, zone, nowMs) });
  return word;
}

/** "14:30", and with the day if that is not today. */
export const endTime = (at: string, zone: string, nowMs: number): string =>
  daysBetween(dayKey(nowMs, zone), dayKey(at, zone)) === 0 ? clock(at, zone) : moment(at, zone, nowMs);

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'quiet';

export function tone(overview: Overview): Tone {
  switch (overview.state) {
    case 'up_to_date':
      return 'ok';
    case 'syncing':
    case 'starting':
      return 'busy';
    case 'needs_attention':
      return overview.problem ? 'bad' : 'warn';
    case 'not_connected':
      return overview.started ? 'bad' : 'quiet';
    case 'offline':
    case 'paused':
      return 'quiet';
  }
}

/** Name of an account in the window's language: a service's own product name is translated, an academy's is not. */
export const accountName = (account: Account | null): string =>
  !account
    ? m.your_platform()
    : account.service === 'google'
      ? m.google_calendar()
      : account.name || hostOf(account.url) || m.your_platform();

function hostOf(url: string | null): string | undefined {
  try {
    return url ? new URL(url).host : undefined;
  } catch {
    return undefined;
  }
}

export const accountStatus = (status: string): string =>
  status === 'active'
    ? m.account_active()
    : status === 'needs_reauth'
      ? m.account_needs_reauth()
      : status === 'revoked'
        ? m.account_revoked()
        : m.account_error();

/** Colour of a side's mark: green says that it answers, so not while its service is out of reach or asks for a sign-in. */
export function sideTone(overview: Overview, account: Account | null): 'ok' | 'idle' | 'bad' {
  if (!account || account.status !== 'active') return 'bad';
  const { state, problem } = overview;
  // A problem of reaching them that names no service is of both: no network, or nobody in it who is proven.
  const both = !problem?.service && (state === 'offline' || silent(problem?.code));
  return both || problem?.service === account.service || !account.last_read_at ? 'idle' : 'ok';
}

/** Nothing can be synced before this is settled: a sign-in, or another laptop that writes. */
export const held = ({ problem, other_writer }: Overview): boolean =>
  !!other_writer || !!problem?.action.startsWith('reconnect');
