export const SECTIONS = ['sync', 'which', 'content', 'accounts', 'look', 'diagnostics'] as const;
export type Section = (typeof SECTIONS)[number];

let last: Section = 'sync';

/** Settings reopen where they were left. */
export const lastSection = (): Section => last;
export const rememberSection = (section: Section): void => {
  last = section;
};
