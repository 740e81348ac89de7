import { m } from '$lib/paraglide/messages';

/** The sentence of a problem: what isn't working, and why. The same in the dashboard, the history and the sign-in. */
export type ProblemWords = { title: string; why: string };

type Words = (args: { platform: string }) => [string, string];

const WORDS: Record<string, Words> = {
  google_reauth: () => [m.p_google_reauth(), m.p_google_reauth_why()],
  platform_reauth: (p) => [m.p_platform_reauth(p), m.p_platform_reauth_why()],
  google_unreachable: () => [m.p_google_unreachable(), m.p_google_unreachable_why()],
  platform_unreachable: (p) => [m.p_platform_unreachable(p), m.p_platform_unreachable_why()],
  calendar_not_found: () => [m.p_calendar_not_found(), m.p_calendar_not_found_why()],
  calendar_read_only: () => [m.p_calendar_read_only(), m.p_calendar_read_only_why()],
  right_missing: () => [m.p_right_missing(), m.p_right_missing_why()],
  google_right_missing: () => [m.p_google_right_missing(), m.p_calendar_right_missing_why()],
  platform_right_missing: (p) => [m.p_platform_right_missing(p), m.p_platform_right_missing_why()],
  quota_gone: () => [m.p_quota_gone(), m.p_quota_gone_why()],
  clock_wrong: () => [m.p_clock_wrong(), m.p_clock_wrong_why()],
  sync_disabled: (p) => [m.p_sync_disabled(p), m.p_sync_disabled_why()],
  deletion_off: (p) => [m.p_deletion_off(p), m.p_deletion_off_why()],
  database: () => [m.p_database(), m.p_database_why()],
  database_rebuilt: () => [m.p_database_rebuilt(), m.p_database_rebuilt_why()],
  keychain: () => [m.p_keychain(), m.p_keychain_why()],
  writes_failed: () => [m.p_writes_failed(), m.p_writes_failed_why()],
  not_the_writer: () => [m.p_not_the_writer(), m.p_not_the_writer_why()],
  no_success_2h: () => [m.p_silent(), m.p_silent_why()],
  no_success_2h_google: () => [m.p_silent_google(), m.p_silent_why()],
  no_success_2h_platform: (p) => [m.p_silent_platform(p), m.p_silent_why()],
  reading_shrank: () => [m.p_reading_shrank(), m.p_reading_shrank_why()],
  conflict_gone: () => [m.p_conflict_gone(), m.p_conflict_gone_why()],
  access_denied: () => [m.p_access_denied(), m.p_access_denied_why()],
  calendar_right_missing: () => [m.p_calendar_right_missing(), m.p_calendar_right_missing_why()],
  other_account: () => [m.p_other_account(), m.p_other_account_why()],
  wrong_answer: () => [m.p_wrong_answer(), m.p_wrong_answer_why()],
  address_unreachable: () => [m.p_unreachable(), m.p_unreachable_why()],
  unreachable: () => [m.p_side_unreachable(), m.p_side_unreachable_why()],
  server_trouble: () => [m.p_server_trouble(), m.p_server_trouble_why()],
  google_busy: () => [m.p_google_busy(), m.p_busy_why()],
  platform_busy: (p) => [m.p_platform_busy(p), m.p_busy_why()],
  throttled: () => [m.p_throttled(), m.p_busy_why()],
  sign_in_expired: () => [m.p_sign_in_expired(), m.p_google_reauth_why()],
  bad_answer: () => [m.p_bad_answer(), m.p_bad_answer_why()],
  changed_meanwhile: () => [m.p_changed_meanwhile(), m.p_changed_meanwhile_why()],
  refused: (p) => [m.p_refused(p), m.p_refused_why()],
  rejected: () => [m.p_rejected(), m.p_rejected_why()],
  not_assigned: (p) => [m.p_not_assigned(), m.p_not_assigned_why(p)],
  not_found: () => [m.p_not_found(), m.p_not_found_why()],
  already_deleted: () => [m.p_not_found(), m.p_not_found_why()],
  already_exists: () => [m.p_already_exists(), m.p_not_found_why()],
  feed_expired: () => [m.p_feed_expired(), m.p_feed_expired_why()],
  not_connected: (p) => [m.p_not_connected(), m.p_not_connected_why(p)],
  platform_not_connected: (p) => [m.p_platform_not_connected(p), m.p_connect_why()],
  google_not_connected: () => [m.p_google_not_connected(), m.p_connect_why()],
  bad_address: () => [m.p_bad_address(), m.p_bad_address_why()],
  no_address: () => [m.p_address_missing(), m.p_address_missing_why()],
  unsafe_platform: () => [m.p_unsafe_platform(), m.p_unsafe_platform_why()],
  no_google_client: () => [m.p_no_google_client(), m.p_no_google_client_why()],
  no_browser: () => [m.p_no_browser(), m.p_no_browser_why()],
  no_port: () => [m.p_no_port(), m.p_no_port_why()],
  events_remain: () => [m.p_events_remain(), m.p_events_remain_why()],
  moves_waiting: () => [m.p_moves_waiting(), m.p_moves_waiting_why()],
  gone: () => [m.p_gone(), m.p_conflict_gone_why()],
  stale: () => [m.p_stale(), m.p_stale_why()],
  not_now: () => [m.p_not_now(), m.p_not_now_why()],
  not_possible: () => [m.p_not_possible(), m.p_not_possible_why()],
  too_close: () => [m.p_too_close(), m.p_too_close_why()],
  bad_input: () => [m.p_bad_input(), m.p_bad_input_why()],
  disk_full: () => [m.p_disk_full(), m.p_disk_full_why()],
  database_unavailable: () => [m.p_database(), m.p_database_why()],
  database_damaged: () => [m.p_database_damaged(), m.p_database_damaged_why()],
  database_unreadable: () => [m.p_database(), m.p_database_why()],
  tokens_volatile: () => [m.p_tokens_volatile(), m.p_tokens_volatile_why()],
  autostart: () => [m.p_autostart(), m.p_autostart_why()],
  no_platform: () => [m.p_no_platform(), m.p_no_platform_why()],
  wrong_certificate: () => [m.p_wrong_certificate(), m.p_wrong_certificate_why()],
  google_wrong_certificate: () => [m.p_google_wrong_certificate(), m.p_google_wrong_certificate_why()],
  platform_wrong_certificate: (p) => [m.p_platform_wrong_certificate(p), m.p_wrong_certificate_why()],
  nobody_proven: (p) => [m.p_nobody_proven(p), m.p_nobody_proven_why()],
  timed_out: () => [m.p_timed_out(), m.p_timed_out_why()],
  address_missing: () => [m.p_address_missing(), m.p_address_missing_why()],
  offline: () => [m.p_offline(), m.p_offline_why()],
  restore_writing: () => [m.hx_rs_writing(), m.hx_rs_undo_later()],
  over: () => [m.hx_np_over(), m.p_stale_why()],
  changed_since: () => [m.hx_np_changed_since(), m.p_stale_why()],
  not_editable: (p) => [m.hx_np_not_editable(p), m.p_stale_why()],
  same: () => [m.hx_np_same(), m.p_stale_why()],
  text_not_kept: () => [m.hx_np_text_not_kept(), m.p_stale_why()],
  left_out: () => [m.hx_np_left_out(), m.p_stale_why()],
  nothing: () => [m.hx_np_nothing(), m.p_stale_why()],
  not_saved: () => [m.p_not_saved(), m.p_not_saved_why()],
  no_file_manager: () => [m.p_no_file_manager(), m.p_no_file_manager_why()],
  not_copied: () => [m.p_not_copied(), m.p_not_copied_why()],
  no_tray: () => [m.p_no_tray(), m.p_no_tray_why()],
  app_gone: () => [m.p_app_gone(), m.p_app_gone_why()],
};

/** `cause` is the code of what lies behind it, where the problem itself is only how long it has lasted. */
export function problemWords(code: string | null | undefined, platform: string, cause?: string | null): ProblemWords {
  const words = code ? WORDS[code] : undefined;
  const [title, why] = words ? words({ platform }) : [m.p_unknown(), m.p_unknown_why()];
  if (!silent(code)) return { title, why };
  // Of a cause that each service has words of its own for, those.
  const service = code?.match(/_(google|platform)$/)?.[1];
  const known = cause ? (WORDS[`${service}_${cause}`] ?? WORDS[cause])?.({ platform })[0] : undefined;
  return { title, why: `${known ?? m.p_silent_cause_unknown()} ${why}` };
}

/** Two awake hours without a success. */
export const silent = (code: string | null | undefined): boolean => !!code?.startsWith('no_success_2h');

export const knownProblem = (code: string): boolean => code in WORDS;

const ACTIONS: Record<string, (args: { platform: string }) => string> = {
  reconnect_google: () => m.a_reconnect_google(),
  reconnect_platform: (p) => m.a_reconnect_platform(p),
  choose_calendar: () => m.a_choose_calendar(),
  try_again: () => m.a_try_again(),
  take_over: () => m.a_take_over(),
};

/** The label of the one next step; none if there is nothing to do. */
export const actionLabel = (action: string, platform: string): string | undefined => ACTIONS[action]?.({ platform });
