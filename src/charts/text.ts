/** Widths in em, on the wide side of what sans-serif fonts have: text must fit its box on a machine with other fonts. */
const NARROW = new Set("ijlftrI.,:;'|!()[]/ -·");
const WIDE = new Set('mwMW@%…');

/** Pixels that a line may need. */
export function textWidth(text: string, fontSize: number, isBold = false): number {
  let em = 0;
  for (const letter of text)
    em += NARROW.has(letter) ? 0.4 : WIDE.has(letter) ? 0.98 : /\p{Lu}/u.test(letter) ? 0.72 : 0.62;
  return Math.ceil(em * fontSize * (isBold ? 1.08 : 1));
}

/** Lines of at most so many letters, broken at spaces, or within a word at a dot or a capital where it is too long. */
export function wrapped(text: string, letters: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).flatMap((one) => broken(one, letters))) {
    const joined = line === '' ? word.text : line + word.gap + word.text;
    if (line !== '' && joined.length > letters) {
      lines.push(line);
      line = word.text;
    } else line = joined;
  }
  return line === '' ? lines : [...lines, line];
}

/** Parts of a long word; only the first is set off by a space. */
function broken(word: string, letters: number): { text: string; gap: string }[] {
  if (word.length <= letters) return [{ text: word, gap: ' ' }];
  const parts = word
    .split(/(?<=[.,_/-])|(?=\p{Lu})/u)
    .flatMap((part) => part.match(new RegExp(`.{1,${letters}}`, 'gsu')) ?? []);
  return parts.map((text, at) => ({ text, gap: at === 0 ? ' ' : '' }));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For the text and the attributes of XML, which has no place for control characters. */
export function xml(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '').replaceAll(/[&<>"']/g, (one) => ENTITIES[one]!);
}
