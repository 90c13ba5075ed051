// The page's few icons, drawn as SVG lines. They carry no meaning of their own: each stands beside
// a label, or in a control that has one.

const lines = {
  plus: 'M12 5v14M5 12h14',
  back: 'M15 5l-7 7 7 7',
  send: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  close: 'M6 6l12 12M18 6L6 18',
  pencil: 'M4 20h4L19 9l-4-4L4 16v4zM13 7l4 4',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  disk: 'M5 6c0-4 14-4 14 0v12c0 4-14 4-14 0V6zM5 6c0 4 14 4 14 0M5 12c0 4 14 4 14 0',
  chat: 'M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z',
  next: 'M9 5l7 7-7 7',
  stop: 'M7 7h10v10H7z',
  again: 'M20 12a8 8 0 1 1-2.3-5.7L20 8.5M20 4v4.5h-4.5',
  out: 'M12 4v11M7 10l5 5 5-5M4 20h16',
  search: 'M11 5a6 6 0 1 1 0 12 6 6 0 0 1 0-12zM15.5 15.5L20 20',
  more: 'M5 11a1 1 0 1 1 0 2 1 1 0 1 1 0-2zM12 11a1 1 0 1 1 0 2 1 1 0 1 1 0-2zM19 11a1 1 0 1 1 0 2 1 1 0 1 1 0-2z',
  pin: 'M9 4h6l-1 6 4 3v2H6v-2l4-3-1-6zM12 15v5',
  archive: 'M4 5h16v4H4zM6 9v10h12V9M10 13h4',
  import: 'M12 15V4M7 9l5-5 5 5M4 20h16',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  globe: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18',
  plug: 'M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0V8zM12 17v4',
  sparkle: 'M12 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2 2-6z',
  play: 'M7 5l12 7-12 7V5z',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  clip: 'M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.4 8.4a1.7 1.7 0 0 1-2.4-2.4L14.5 7',
  fork: 'M6 4v6a4 4 0 0 0 4 4h8M14 10l4 4-4 4M6 10v10',
  resume: 'M8 5l11 7-11 7z',
  sliders: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 4.5v5M7 14.5v5',
  thought:
    'M9 18h6M10 21h4M12 3a6 6 0 0 0-3.5 10.9c.6.5.9 1.2.9 2.1h5.2c0-.9.3-1.6.9-2.1A6 6 0 0 0 12 3z',
  tool: 'M14.5 6.5a4 4 0 0 1 5-2.5L17 6.5 17.5 9l2.5.5 2.4-2.4a4 4 0 0 1-5.4 4.4L9 19.5a2.1 2.1 0 0 1-3-3l8-8z',
  file: 'M7 3h7l4 4v14H7zM14 3v4h4',
  warning: 'M12 4l9 16H3L12 4zM12 10v4M12 17v.5',
} as const;

export type IconName = keyof typeof lines;

export function icon(name: IconName): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', lines[name]);
  svg.append(path);
  return svg;
}
