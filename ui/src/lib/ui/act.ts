import { toast } from 'svelte-sonner';
import { asCommandError, type CommandError } from '$lib/command';
import { problemWords } from '$lib/i18n/problems';
import { platformName } from '$lib/overview/state.svelte';

/** Runs what a click asked for. What worked gets its toast; what didn't is said where the click was made, as a toast that stays. */
export async function act(run: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await run();
    if (done) toast.success(done);
    return true;
  } catch (e) {
    sayProblem(asCommandError(e));
    return false;
  }
}

export function sayProblem(error: CommandError): void {
  const words = problemWords(error.code, platformName());
  toast.error(words.title, {
    description: words.why,
    duration: 12_000,
  });
}
