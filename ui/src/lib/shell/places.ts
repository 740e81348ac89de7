import { m } from '$lib/paraglide/messages';

/** The places of the window, in the order of the rail and of Ctrl+1 to Ctrl+5. */
export const PLACES = [
  { path: '/', test: 'nav-today', label: m.nav_today },
  { path: '/appointments', test: 'nav-appointments', label: m.nav_appointments },
  { path: '/conflicts', test: 'nav-decisions', label: m.nav_decisions },
  { path: '/history', test: 'nav-history', label: m.nav_history },
  { path: '/settings', test: 'nav-settings', label: m.nav_settings },
] as const;
