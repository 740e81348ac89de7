import type { OwnRuleView } from '$lib/bindings';
import { m } from '$lib/paraglide/messages';

export const RULE_FIELDS: [string, () => string][] = [
  ['title', () => m.st_own_f_title()],
  ['location', () => m.st_own_f_location()],
  ['notes', () => m.st_own_f_notes()],
  ['type', () => m.st_own_f_type()],
  ['client', () => m.st_own_f_client()],
];
export const RULE_PATTERNS: [string, () => string][] = [
  ['contains', () => m.st_own_p_contains()],
  ['starts_with', () => m.st_own_p_starts_with()],
  ['regex', () => m.st_own_p_regex()],
];

/** What is wrong with a rule, by Rust's word. */
export const RULE_PROBLEMS: Record<string, () => string> = {
  empty: () => m.st_own_empty(),
  too_long: () => m.st_own_too_long(),
  bad_expression: () => m.st_own_bad(),
};

const word = (list: [string, () => string][], value: string): string =>
  list.find(([name]) => name === value)?.[1]() ?? value;

/** "Title contains “Team”". */
export const ruleSentence = (rule: OwnRuleView): string =>
  m.st_own_sentence({
    field: word(RULE_FIELDS, rule.field),
    pattern: word(RULE_PATTERNS, rule.pattern),
    text: rule.text,
  });

export const sameRule = (a: OwnRuleView, b: OwnRuleView): boolean =>
  a.field === b.field && a.pattern === b.pattern && a.text.trim() === b.text.trim();

/** Each rule with a key of its content: what stands at its place after a removal is another one. */
export function keyed(rules: OwnRuleView[]): { rule: OwnRuleView; index: number; key: string }[] {
  const seen = new Map<string, number>();
  return rules.map((rule, index) => {
    const content = JSON.stringify([rule.field, rule.pattern, rule.text]);
    const nth = seen.get(content) ?? 0;
    seen.set(content, nth + 1);
    return { rule, index, key: `${content} ${nth}` };
  });
}
