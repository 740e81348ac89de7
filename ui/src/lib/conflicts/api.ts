import { commands, type ConflictAnswer, type ConflictView, type ResolutionInput } from '$lib/bindings';
import { value } from '$lib/command';

export const listConflicts = () => value(commands.listConflicts());

/** What the trainer saw goes along: if either side changed since, nothing is written and the new state comes back. */
export const resolve = (conflict: ConflictView, resolution: ResolutionInput) =>
  value(commands.resolveConflict(conflict.id, conflict.seen, resolution));

export const resolveMany = (answers: ConflictAnswer[]) => value(commands.resolveConflicts(answers));
export const listAnswered = () => value(commands.listAnsweredConflicts());
export const undoAnswer = (id: string) => value(commands.undoConflict(id));
export const getOffer = () => value(commands.getRuleOffer());
export const dismissOffer = () => value(commands.dismissRuleOffer());
