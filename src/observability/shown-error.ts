const MESSAGE_LENGTH = 1024;

/** An error as an observer may see it: without its fields, its cause and its stack, which may hold anything. */
export class ShownError {
  readonly name: string;
  readonly message: string;

  private constructor(name: string, message: string) {
    this.name = name;
    this.message = message;
  }

  /** Anything can be thrown: a null, an object that refuses to become a string, one whose getters throw. */
  static of(thrown: unknown): ShownError {
    try {
      if (thrown instanceof Error) {
        // What they are typed as is only a habit.
        const { name, message } = thrown as Record<'name' | 'message', unknown>;
        return new ShownError(String(name), shownText(String(message)));
      }
      return new ShownError(typeof thrown, typeof thrown === 'string' ? shownText(thrown) : '');
    } catch {
      return new ShownError(typeof thrown, 'The thrown value has no text.');
    }
  }

  toString(): string {
    return `${this.name}: ${this.message}`;
  }
}

/** Text from elsewhere, not longer than it has to be; an address in it loses its password. */
export function shownText(text: string): string {
  return withoutPasswords(text.length > MESSAGE_LENGTH ? `${text.slice(0, MESSAGE_LENGTH)}…` : text);
}

/** User and password of every URL in the text are left out. */
export const withoutPasswords = (text: string): string =>
  text.replace(/(\w:\/\/)[^\s/@]*(:[^\s@]*)?@/g, '$1***@');
