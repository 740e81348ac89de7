import type { Account } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';

/** What was granted, in words; the names of rights are for the settings. */
export function granted(account: Account): string {
  const has = (part: string) => account.scopes.some((scope) => scope.includes(part));
  if (account.service === 'google') {
    if (has('calendar.app.created')) return m.sh_may_own_calendar();
    return has('calendar.events') || has('auth/calendar') ? m.sh_may_events() : m.sh_may_nothing();
  }
  return has('appointments.write') ? m.sh_may_appointments() : m.sh_may_read_appointments();
}
