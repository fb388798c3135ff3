// Finds a Chromium for the browser tests and prints its path; with --install, gets one where there is none.
// CHROMIUM=/path/to/chromium goes before anything else.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Playwright's own download, where `npx playwright-core install chromium` was run. */
function playwrights() {
  try {
    return createRequire(import.meta.url)('playwright-core').chromium.executablePath();
  } catch {
    return '';
  }
}

export function findChromium() {
  if (process.env.CHROMIUM) {
    if (!executable(process.env.CHROMIUM)) throw new Error(`CHROMIUM is '${process.env.CHROMIUM}', which cannot be run`);
    return process.env.CHROMIUM;
  }
  const onPath = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'].flatMap((name) =>
    ['/usr/bin', ...(process.env.PATH ?? '').split(':')].map((dir) => join(dir, name)),
  );
  const mac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  return [...onPath, playwrights(), mac].find((path) => path && executable(path));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let found = findChromium();
  if (!found && process.argv.includes('--install')) {
    const attempts = [
      ['bash', ['-c', '. scripts/lib.sh && apt_install chromium']],
      ['npx', ['playwright-core', 'install', 'chromium']],
    ];
    for (const [command, args] of attempts) {
      console.error(`==> ${command} ${args.join(' ')}`);
      try {
        execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
      } catch {
        continue;
      }
      found = findChromium();
      if (found) break;
    }
  }
  if (!found) {
    console.error('error: no Chromium found; install one (Debian: apt-get install chromium) or set CHROMIUM=/path/to/chromium');
    process.exit(1);
  }
  console.log(found);
}
