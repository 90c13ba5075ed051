/**
 * How the tests and the benchmark start Chromium: Debian's, quiet, also as root. Knows no test.
 */

/** Options of Playwright's launch functions. */
export const chromium = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
