import { CommandError } from '$lib/command';
import { m } from '$lib/paraglide/messages';
import { act } from './act';

/** Copies a text and says so; the system may refuse, and that is said as well. */
export const copyText = (text: string): Promise<boolean> =>
  act(async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch (e) {
      throw new CommandError({ code: 'not_copied', detail: String(e), field: null, retryable: true });
    }
  }, m.copied());
