import type { CommandError } from '$lib/command';
import { problemWords } from '$lib/i18n/problems';
import { platformName } from '$lib/overview/state.svelte';
import { m } from '$lib/paraglide/messages';

/** What is wrong with a field: its own sentence where the app only says that it cannot be used. */
export function fieldWords(error: CommandError | undefined, own: string): string | undefined {
  if (!error) return undefined;
  if (error.code === 'bad_input' || error.code === 'unknown') return own;
  // Nothing was taken away from a calendar that is only about to be chosen.
  if (error.code === 'calendar_read_only') return m.st_cal_read_only();
  const { title, why } = problemWords(error.code, platformName());
  return `${title} ${why}`;
}

const FIELDS: Record<string, () => string> = {
  title: m.st_field_title,
  time: m.st_field_time,
  location: m.st_field_location,
  notes: m.st_field_notes,
  // Everything about an event that is no text and no time, in one word of the app.
  looks: m.st_field_looks,
};

/** What a dry run would change on an event. */
export const previewField = (field: string): string => FIELDS[field]?.() ?? field;
