import type { AppError } from '$lib/bindings';

/** A command that did not work; `code` chooses the sentence. */
export class CommandError extends Error {
  readonly code: string;
  readonly detail: string | null;
  readonly field: string | null;
  readonly retryable: boolean;

  constructor(error: AppError) {
    super(error.code);
    this.code = error.code;
    this.detail = error.detail;
    this.field = error.field;
    this.retryable = error.retryable;
  }
}

type Answer<T> = { status: 'ok'; data: T } | { status: 'error'; error: AppError };

/** The value of a command, or a `CommandError`. */
export async function value<T>(answer: Promise<Answer<T>>): Promise<T> {
  const result = await answer.catch((e: unknown): Answer<T> => ({ status: 'error', error: lost(e) }));
  if (result.status === 'ok') return result.data;
  throw new CommandError(isAppError(result.error) ? result.error : lost(result.error));
}

const isAppError = (e: unknown): e is AppError => typeof e === 'object' && e !== null && 'code' in e;

// An answer that is no `AppError` comes from the bridge itself, so the app behind the window is what is missing.
const lost = (e: unknown): AppError => ({ code: 'app_gone', detail: String(e), field: null, retryable: true });

export const asCommandError = (e: unknown): CommandError =>
  e instanceof CommandError
    ? e
    : new CommandError({
        code: 'unknown',
        detail: e instanceof Error ? e.message : String(e),
        field: null,
        retryable: true,
      });
