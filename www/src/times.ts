// Times in words. Takes the store's ISO strings; knows no DOM.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// The page speaks English; the 12 or 24 hour clock is the reader's.
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions();
const clock = new Intl.DateTimeFormat('en-GB', {
  hour: 'numeric',
  minute: '2-digit',
  ...(hourCycle && { hourCycle }),
});
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'long' });
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const fullDate = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });
const longDate = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' });

/** The hour and minute. */
export function timeOfDay(iso: string): string {
  return clock.format(new Date(iso));
}

/** Date and time in full, for titles and screen readers. */
export function inFull(iso: string): string {
  return `${longDate.format(new Date(iso))}, ${timeOfDay(iso)}`;
}

/** Which calendar day, as a key to compare by. */
export function dayKey(iso: string): string {
  return new Date(iso).toDateString();
}

/** The calendar day in words: Today, Yesterday, Monday, 3 Mar, 3 Mar 2025. */
export function dayName(iso: string, now = Date.now()): string {
  const date = new Date(iso);
  const days = Math.round((startOfDay(now) - startOfDay(date.getTime())) / DAY);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return weekday.format(date);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return (sameYear ? dayOfYear : fullDate).format(date);
}

/** How long ago, in a few words. */
export function ago(iso: string, now = Date.now()): string {
  const passed = now - Date.parse(iso);
  if (Math.abs(passed) < MINUTE) return 'now';
  if (passed > 0 && passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed > 0 && passed < DAY && dayName(iso, now) === 'Today') {
    return `${Math.floor(passed / HOUR)} h ago`;
  }
  return dayName(iso, now);
}

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
