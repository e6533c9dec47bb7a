import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const BLOCK = /<!-- file: (?<file>\S+) -->\s*```ts\n[^]*?```/g;

/** The README with the files that it names put in: its code is code that compiles and runs. */
export function filledReadme(): string {
  return readFileSync('README.md', 'utf8').replaceAll(
    BLOCK,
    (_, file: string) => `<!-- file: ${file} -->\n\n\`\`\`ts\n${readFileSync(file, 'utf8')}\`\`\``,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync('README.md', filledReadme());
