import type { RuleOffer, SettingsPatch, SettingsView } from '$lib/bindings';
import type { Context } from '$lib/history/sentence';
import { m } from '$lib/paraglide/messages';

export type About = 'time' | 'text';
export type Policy = 'ask' | 'keep_platform' | 'keep_calendar' | 'most_recent';
export type Rule = { about: About; policy: Policy };

const isPolicy = (word: string): word is Policy =>
  ['ask', 'keep_platform', 'keep_calendar', 'most_recent'].includes(word);

/** A rule the window has words for; anything else isn't offered. */
export const ruleOf = (offer: RuleOffer): Rule | null =>
  (offer.about === 'time' || offer.about === 'text') && isPolicy(offer.policy)
    ? { about: offer.about, policy: offer.policy }
    : null;

export const patchOf = (rule: Rule): Partial<SettingsPatch> =>
  rule.about === 'time' ? { time_policy: rule.policy } : { text_policy: rule.policy };

export const policyNow = (settings: SettingsView, about: About): string =>
  about === 'time' ? settings.time_policy : settings.text_policy;

/** "Always keep Linden’s time". */
export function ruleWords({ about, policy }: Rule, { platform }: Pick<Context, 'platform'>): string {
  if (policy === 'ask') return about === 'time' ? m.dc_rule_time_ask() : m.dc_rule_text_ask();
  if (policy === 'most_recent') return about === 'time' ? m.dc_rule_time_recent() : m.dc_rule_text_recent();
  if (policy === 'keep_platform')
    return about === 'time' ? m.dc_rule_time_platform({ platform }) : m.dc_rule_text_platform({ platform });
  return about === 'time' ? m.dc_rule_time_calendar() : m.dc_rule_text_calendar();
}

/** What it means from then on. */
export function ruleMeans({ about, policy }: Rule, { platform }: Pick<Context, 'platform'>): string {
  const calendar = m.google_calendar();
  if (policy === 'ask') return m.dc_means_ask();
  if (about === 'time')
    return policy === 'keep_platform'
      ? m.dc_means_time_platform({ platform, calendar })
      : policy === 'keep_calendar'
        ? m.dc_means_time_calendar({ platform, calendar })
        : m.dc_means_time_recent({ platform });
  return policy === 'keep_platform'
    ? m.dc_means_text_platform({ platform })
    : policy === 'keep_calendar'
      ? m.dc_means_text_calendar({ platform })
      : m.dc_means_text_recent();
}

/** What the cases had in common, for the card that offers the rule. */
export function ruleSeen({ about, policy }: Rule, count: number, { platform }: Pick<Context, 'platform'>): string {
  if (policy === 'most_recent') return m.dc_seen_recent({ count });
  const side = policy === 'keep_platform' ? platform : m.google_calendar();
  return about === 'time' ? m.dc_seen_time({ count, side }) : m.dc_seen_text({ count, side });
}
