/** The element below `root` that carries this value; ids come from outside, so they are compared and not put into a selector. */
export const carrying = (root: ParentNode | undefined, data: string, value: string): HTMLElement | undefined =>
  [...(root?.querySelectorAll<HTMLElement>(`[data-${data}]`) ?? [])].find((el) => el.dataset[data] === value);
