/** Long enough for any honest title; what is longer is shown whole in the inspector only. */
const SHOWN = 160;

/** A title for a row or a block: cut between characters, never inside one. */
export function clip(text: string, most = SHOWN): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most);
  const last = cut.charCodeAt(cut.length - 1);
  return `${last >= 0xd800 && last <= 0xdbff ? cut.slice(0, -1) : cut}…`;
}
