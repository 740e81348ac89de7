import { Resource } from '$lib/resource.svelte';
import { getOffer, listAnswered, listConflicts } from './api';

export const conflicts = new Resource(listConflicts);
/** Answered in the last 30 days; asked for once its list is opened. */
export const answered = new Resource(listAnswered);
/** The rule that the last answers suggest, if they do. */
export const offer = new Resource(getOffer);

// Where the trainer was before: "back" leads there, and not always to the first screen.
let from = '/';
addEventListener('hashchange', (e) => {
  const at = e.oldURL ? e.oldURL.indexOf('#') : -1;
  const old = at < 0 ? '/' : e.oldURL.slice(at + 1);
  if (e.oldURL && !/^\/?conflicts(?=[/?]|$)/.test(old)) from = old || '/';
});
export const cameFrom = (): string => from;
