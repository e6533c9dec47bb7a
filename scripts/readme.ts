import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const BLOCK = /<!-- file: (?<file>\S+) -->\s*```ts\n[^]*?```/g;

/** Pages whose code is code that compiles and runs. */
export const pages = ['README.md', 'docs/guide.md'];

/** The page with the files that it names put in. */
export function filled(page: string): string {
  return readFileSync(page, 'utf8').replaceAll(
    BLOCK,
    (_, file: string) => `<!-- file: ${file} -->\n\n\`\`\`ts\n${readFileSync(file, 'utf8')}\`\`\``,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const page of pages) writeFileSync(page, filled(page));
