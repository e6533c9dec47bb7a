import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export const chromiumVariable = 'CHROMIUM_PATH';

/** Where Chromium is: as the environment says, or by one of its usual names. @throws {Error} that says what to install. */
export function findChromium(): string {
  const given = process.env[chromiumVariable];
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const usual = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
  const found = (given === undefined ? usual : [given]).find(isProgram);
  if (found !== undefined) return found;
  throw new Error(
    given === undefined
      ? `there is no Chromium here. Install one (Debian, Ubuntu: apt-get install chromium), or set ${chromiumVariable}`
      : `${chromiumVariable} is ${given}, and that is no program`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
