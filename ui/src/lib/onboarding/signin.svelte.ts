import type { SignInView } from '$lib/bindings';
import { asCommandError, type CommandError } from '$lib/command';
import { sayProblem } from '$lib/ui/act';
import { beginSignIn, cancelSignIn, confirmOtherAccount, signInState } from './api';

/** The sign-in that is going on, if one is. At most one at a time. */
class SignIn {
  view = $state.raw<SignInView | null>(null);
  /** Why the last one could not even begin. */
  error = $state.raw<CommandError | undefined>();
  busy = $state(false);
  /** So many moves would stay behind with the account before. */
  movesBehind = $state(0);
  evenSo = $state(false);
  /** The other account was answered; both sides are looked at before it is taken, which may last. */
  answering = $state(false);

  get waiting(): boolean {
    return this.view?.state === 'waiting';
  }

  /** True while this service waits for the browser or asks which account. */
  concerns(service: string): boolean {
    return this.view?.service === service;
  }

  // What came while something was awaited; without the call TypeScript takes it for what it was before.
  #heard(): SignInView | null {
    return this.view;
  }

  async begin(service: string, address: string | null = null): Promise<void> {
    // A second click would begin a second one, and the page of the first would lead nowhere.
    if (this.busy) return;
    this.busy = true;
    this.error = undefined;
    this.view = null;
    [this.movesBehind, this.evenSo] = [0, false];
    try {
      const begun = await beginSignIn(service, address);
      // The end of a quick sign-in may have been heard before this answer.
      // A problem is what that answer alone may know, unless the sign-in is over already.
      const heard = this.#heard();
      if (!heard || (begun.problem && heard.state === 'waiting' && !heard.problem)) this.view = begun;
    } catch (e) {
      this.error = asCommandError(e);
    } finally {
      this.busy = false;
    }
  }

  async cancel(): Promise<void> {
    await cancelSignIn().catch(() => undefined);
    this.view = null;
  }

  async answerOtherAccount(accept: boolean): Promise<void> {
    // A second word meanwhile would find no question, and be taken for its answer.
    if (this.answering) return;
    this.answering = true;
    const asked = this.view;
    // How it ended is heard before this answer, and another sign-in may have begun meanwhile: neither is the question.
    const open = () => this.view === asked;
    try {
      await confirmOtherAccount(accept, this.evenSo);
      if (open()) this.view = null;
    } catch (e) {
      const error = asCommandError(e);
      if (error.code !== 'moves_waiting') sayProblem(error);
      // The question stays, with what accepting would cost.
      else if (open()) [this.movesBehind, this.evenSo] = [Number(error.detail) || 1, false];
    } finally {
      this.answering = false;
    }
  }

  /** A window that was closed meanwhile picks up where the sign-in stands. */
  async restore(): Promise<void> {
    this.view = await signInState().catch(() => null);
  }
}

export const signIn = new SignIn();
