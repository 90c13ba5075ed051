// Times in words, in the reader's language and way. Takes the store's ISO strings; knows no DOM.

import { locale, t } from './i18n/index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Made with the first use, when the language is known: making one takes longer than using it. */
function format(
  options: Intl.DateTimeFormatOptions,
  more = (): Intl.DateTimeFormatOptions => ({}),
): (date: Date) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (date) => {
    made ??= new Intl.DateTimeFormat(locale(), { ...options, ...more() });
    return made.format(date);
  };
}

const clock = format({ hour: 'numeric', minute: '2-digit' }, ownClock);
const weekday = format({ weekday: 'long' });
const dayOfYear = format({ day: 'numeric', month: 'short' });
const fullDate = format({ dateStyle: 'medium' });
const longDate = format({ dateStyle: 'full' });
const month = format({ month: 'long', year: 'numeric' });

let relative: Intl.RelativeTimeFormat | undefined;

/** 12 or 24 hours, as the browser has it, whatever the language of the page. */
function ownClock(): { hourCycle?: 'h11' | 'h12' | 'h23' | 'h24' } {
  const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions();
  return hourCycle ? { hourCycle } : {};
}

/** Makes what the list needs: the first of its kind takes longest, and there is time before there are rows. */
export function warmTimes(): void {
  const now = new Date().toISOString();
  inFull(now);
  month(new Date());
  dayOfYear(new Date());
  ago(new Date(Date.now() - HOUR).toISOString());
}

/** The hour and minute. */
export function timeOfDay(iso: string): string {
  return clock(new Date(iso));
}

/** Date and time in full, for titles and screen readers. */
export function inFull(iso: string): string {
  return `${longDate(new Date(iso))}, ${timeOfDay(iso)}`;
}

/** Which calendar day, as a key to compare by. */
export function dayKey(iso: string): string {
  return new Date(iso).toDateString();
}

/** The calendar day in words: Today, Yesterday, Monday, 3 Mar, 3 Mar 2025. */
export function dayName(iso: string, now = Date.now()): string {
  const date = new Date(iso);
  const days = daysSince(date, now);
  if (days === 0) return t('common.today');
  if (days === 1) return t('common.yesterday');
  if (days > 1 && days < 7) return weekday(date);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return sameYear ? dayOfYear(date) : fullDate(date);
}

/** The heading a list of days groups a time under: a day of this week, else its month. */
export function dayGroup(iso: string, now = Date.now()): string {
  const date = new Date(iso);
  const days = daysSince(date, now);
  return days >= 0 && days < 7 ? dayName(iso, now) : month(date);
}

/** When it was, under the name of its day or month. */
export function inGroup(iso: string, now = Date.now()): string {
  const days = daysSince(new Date(iso), now);
  return days > 0 && days < 7 ? timeOfDay(iso) : ago(iso, now);
}

/** How long ago, in a few words. */
export function ago(iso: string, now = Date.now()): string {
  const passed = now - Date.parse(iso);
  if (Math.abs(passed) < MINUTE) return t('common.now');
  relative ??= new Intl.RelativeTimeFormat(locale(), { style: 'short' });
  if (passed > 0 && passed < HOUR) return relative.format(-Math.floor(passed / MINUTE), 'minute');
  if (passed > 0 && passed < DAY && daysSince(new Date(iso), now) === 0) {
    return relative.format(-Math.floor(passed / HOUR), 'hour');
  }
  return dayName(iso, now);
}

function daysSince(date: Date, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(date.getTime())) / DAY);
}

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
