import { m } from '$lib/paraglide/messages';
import { changeSettings } from '$lib/settings/api';
import { settings } from '$lib/settings/state.svelte';
import { offerUndo } from '$lib/shell/undo.svelte';
import { act } from '$lib/ui/act';
import { patchOf, policyNow, ruleWords, type Policy, type Rule } from './rule';

/** Sets a standing rule, with the way back to what was set before. */
export async function setRule(rule: Rule, platform: string): Promise<boolean> {
  const before = settings.value ? policyNow(settings.value, rule.about) : 'ask';
  const set = async (policy: string) =>
    settings.set(await changeSettings(patchOf({ about: rule.about, policy: policy as Policy })));
  const worked = await act(() => set(rule.policy));
  if (worked)
    offerUndo({
      text: ruleWords(rule, { platform }),
      more: m.dc_rule_where({ section: m.st_rules() }),
      undo: () => set(before),
    });
  return worked;
}
