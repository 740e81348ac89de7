/** Where the window is: the hash holds the place and its filters, so that going back brings both back. */
export type Place = { path: string; parts: string[]; query: URLSearchParams };

const parse = (hash: string): Place => {
  const [path = '/', search = ''] = hash.replace(/^#/, '').split('?', 2);
  const clean = path.startsWith('/') ? path : `/${path}`;
  return {
    path: clean,
    parts: clean.split('/').filter(Boolean).map(decoded),
    query: new URLSearchParams(search),
  };
};

// A hand-typed `%` must not take the window down.
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

let place = $state.raw<Place>(parse(location.hash));

export const here = (): Place => place;

export function startRouter(): () => void {
  const read = () => (place = parse(location.hash));
  read();
  addEventListener('hashchange', read);
  return () => removeEventListener('hashchange', read);
}

export const href = (path: string, query: Record<string, string | undefined> = {}): string => {
  const search = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]));
  const text = search.toString();
  return `#${path}${text ? `?${text}` : ''}`;
};

export function go(path: string, query: Record<string, string | undefined> = {}): void {
  location.hash = href(path, query);
}

/** Changes the filters of this place without a new step in "back". */
export function refine(query: Record<string, string | undefined>): void {
  const next = Object.fromEntries(place.query);
  history.replaceState(history.state, '', href(place.path, { ...next, ...query }));
  place = parse(location.hash);
}
