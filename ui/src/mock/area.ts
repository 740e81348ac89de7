import type { AppError } from '$lib/bindings';
import type { Model } from './model';

export type Args = Record<string, unknown>;

/** What the stand-in of one area works with. */
export type Tools = {
  state: Model;
  now: () => number;
  /** Says that something changed, as the app does. */
  changed: (...topics: string[]) => Promise<void>;
  refuse: (code: string, more?: Partial<AppError>) => never;
};

/** The commands of one area; a later one replaces an earlier one of the same name. */
export type Area = (tools: Tools) => Record<string, (args: Args) => unknown>;
