import { baseLocale, isLocale, overwriteGetLocale, type Locale } from '$lib/paraglide/runtime';

let current = $state<Locale>(baseLocale);
let region = $state('');

// Reading the state here makes every message in a template follow a change of language without a reload.
overwriteGetLocale(() => current);

/** The language of the messages. */
export const language = (): Locale => current;

/** The locale for dates and numbers: our language with the system's region, so that en-GB keeps its own order. */
export const intlLocale = (): string => region || current;

/** `wanted` is `system`, `en` or `de`; `system` follows what the system or the web view says. */
export function useLanguage(wanted: string, system: string): void {
  const tag = wanted === 'system' ? system : wanted;
  const short = tag.slice(0, 2).toLowerCase();
  current = isLocale(short) ? short : baseLocale;
  const own = [system, ...navigator.languages].find((t) => t.toLowerCase().startsWith(`${current}-`));
  region = own ?? (current === 'en' ? 'en-GB' : 'de-DE');
  document.documentElement.lang = current;
}
