/** The sheet that lists all keys. */
class Sheet {
  open = $state(false);
}

export const sheet = new Sheet();
