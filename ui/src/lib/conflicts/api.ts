import { commands, type ConflictView, type ResolutionInput } from '$lib/bindings';
import { value } from '$lib/command';

export const listConflicts = () => value(commands.listConflicts());

/** What the trainer saw goes along: if either side changed since, nothing is written and the new state comes back. */
export const resolve = (conflict: ConflictView, resolution: ResolutionInput) =>
  value(commands.resolveConflict(conflict.id, conflict.seen, resolution));
