import type { CommandError } from '$lib/command';
import { problemWords } from '$lib/i18n/problems';
import { platformName } from '$lib/overview/state.svelte';

/** What is wrong with a field: its own sentence where the app only says that it cannot be used. */
export function fieldWords(error: CommandError | undefined, own: string): string | undefined {
  if (!error) return undefined;
  if (error.code === 'bad_input' || error.code === 'unknown') return own;
  const { title, why } = problemWords(error.code, platformName());
  return `${title} ${why}`;
}
