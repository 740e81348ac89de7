import { intlLocale } from '$lib/i18n/locale.svelte';
import { m } from '$lib/paraglide/messages';

// "s", "min" and "h" are the same in every language; a unit never leaves its number.
const unit = (n: number, name: string, digits: number): string =>
  `${new Intl.NumberFormat(intlLocale(), { maximumFractionDigits: digits }).format(n)}\u00a0${name}`;

/** "0.4 s", "20 s", "4 min", "2 h": short, because it stands in a table. */
export function length(ms: number): string {
  const seconds = ms / 1000;
  // "0 s" would say that it took no time at all.
  if (ms > 0 && seconds < 0.05) return `<\u00a0${unit(0.1, 's', 1)}`;
  if (seconds < 9.95) return unit(seconds, 's', 1);
  if (seconds < 99.5) return unit(Math.round(seconds), 's', 0);
  if (seconds < 90 * 60) return unit(Math.round(seconds / 60), 'min', 0);
  return unit(Math.round(seconds / 360) / 10, 'h', 1);
}

/** "99.4 %"; a share that is not whole is never rounded up to all of it, nor down to none. */
export function share(ok: number, of: number): string {
  if (!of) return '–';
  const thousandths = (ok / of) * 1000;
  const told = ok === of ? 1000 : ok === 0 ? 0 : Math.min(999, Math.max(1, Math.round(thousandths)));
  return new Intl.NumberFormat(intlLocale(), { style: 'percent', maximumFractionDigits: 1 }).format(told / 1000);
}

export type Bar = { day: string; count: number; percent: number };

/** One bar for each day, the longest of them full. */
export function bars(days: [string, number][]): { bars: Bar[]; total: number; most: number } {
  const most = Math.max(0, ...days.map(([, count]) => count));
  return {
    bars: days.map(([day, count]) => ({ day, count, percent: most ? Math.round((count / most) * 100) : 0 })),
    total: days.reduce((sum, [, count]) => sum + count, 0),
    most,
  };
}

/** Where an error came from; `other` stands for the kinds that are too many to be counted apart. */
export const serviceWord = (service: string, platform: string): string =>
  service === 'google' ? m.google_calendar() : service === 'platform' ? platform : m.fg_other();
