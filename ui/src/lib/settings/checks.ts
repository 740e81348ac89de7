import { signIn } from '$lib/onboarding/signin.svelte';
import { overview, platformName } from '$lib/overview/state.svelte';
import { m } from '$lib/paraglide/messages';
import { go } from '$lib/shell/router.svelte';

export const ALL = [
  'network',
  'clock',
  'platform_sign_in',
  'google_sign_in',
  'calendar_rights',
  'database',
  'keychain',
  'tray',
] as const;
/** What "Test connection" looks at, from the outside in. */
export const OF_SERVICE: Record<string, readonly string[]> = {
  platform: ['network', 'platform_sign_in'],
  google: ['network', 'clock', 'google_sign_in', 'calendar_rights'],
};

const NAMES: Record<string, () => string> = {
  network: m.ck_network,
  clock: m.ck_clock,
  platform_sign_in: () => m.ck_platform_sign_in({ platform: platformName() }),
  google_sign_in: m.ck_google_sign_in,
  calendar_rights: m.ck_calendar_rights,
  database: m.ck_database,
  keychain: m.ck_keychain,
  tray: m.st_ck_tray,
};
export const checkName = (check: string): string => NAMES[check]?.() ?? check;

/** Signs in again. Before the start that is onboarding's job. */
export function reconnect(service: string): void {
  go(overview.value?.started ? `/connect/${service}` : '/');
  void signIn.begin(service, service === 'platform' ? (overview.value?.platform?.url ?? null) : null);
}

const GOOGLE = { label: () => m.a_reconnect_google(), run: () => reconnect('google') };
const PLATFORM = {
  label: () => m.a_reconnect_platform({ platform: platformName() }),
  run: () => reconnect('platform'),
};
const CALENDAR = {
  label: () => m.a_choose_calendar(),
  run: () => go('/settings', { section: 'calendar', at: 'calendar' }),
};
const STEPS: Record<string, { label: () => string; run: () => void }> = {
  google_reauth: GOOGLE,
  sign_in_expired: GOOGLE,
  google_right_missing: GOOGLE,
  calendar_right_missing: GOOGLE,
  platform_reauth: PLATFORM,
  platform_right_missing: PLATFORM,
  calendar_not_found: CALENDAR,
  // Its words name the other step: to ask its owner for the right.
  calendar_read_only: CALENDAR,
  platform_not_connected: { label: () => m.head_connect_action(), run: () => go('/') },
  google_not_connected: { label: () => m.head_connect_action(), run: () => go('/') },
  not_connected: { label: () => m.head_connect_action(), run: () => go('/') },
};

/** The one next step of a check that did not pass; where only waiting or the system helps, it is checking again. */
export function nextStep(problem: string, again: () => void): { label: string; run: () => void } {
  const step = STEPS[problem];
  return step ? { label: step.label(), run: step.run } : { label: m.st_ck_again(), run: again };
}
