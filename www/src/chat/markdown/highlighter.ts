// Colours of code, by highlight.js; lowlight gives them as a tree, so that no markup has to be parsed.
// Loaded when a message first has code, and each language when it is first met.

import type { LanguageFn } from 'highlight.js';
import { createLowlight } from 'lowlight';
import { h } from '../../dom.ts';

type Tree = ReturnType<ReturnType<typeof createLowlight>['highlight']>;
type Load = () => Promise<{ default: LanguageFn }>;

const LANGUAGES = new Map<string, Load>([
  ['bash', () => import('highlight.js/lib/languages/bash')],
  ['c', () => import('highlight.js/lib/languages/c')],
  ['cpp', () => import('highlight.js/lib/languages/cpp')],
  ['csharp', () => import('highlight.js/lib/languages/csharp')],
  ['css', () => import('highlight.js/lib/languages/css')],
  ['dart', () => import('highlight.js/lib/languages/dart')],
  ['diff', () => import('highlight.js/lib/languages/diff')],
  ['dockerfile', () => import('highlight.js/lib/languages/dockerfile')],
  ['go', () => import('highlight.js/lib/languages/go')],
  ['graphql', () => import('highlight.js/lib/languages/graphql')],
  ['ini', () => import('highlight.js/lib/languages/ini')],
  ['java', () => import('highlight.js/lib/languages/java')],
  ['javascript', () => import('highlight.js/lib/languages/javascript')],
  ['json', () => import('highlight.js/lib/languages/json')],
  ['kotlin', () => import('highlight.js/lib/languages/kotlin')],
  ['latex', () => import('highlight.js/lib/languages/latex')],
  ['lua', () => import('highlight.js/lib/languages/lua')],
  ['makefile', () => import('highlight.js/lib/languages/makefile')],
  ['markdown', () => import('highlight.js/lib/languages/markdown')],
  ['nginx', () => import('highlight.js/lib/languages/nginx')],
  ['objectivec', () => import('highlight.js/lib/languages/objectivec')],
  ['perl', () => import('highlight.js/lib/languages/perl')],
  ['php', () => import('highlight.js/lib/languages/php')],
  ['powershell', () => import('highlight.js/lib/languages/powershell')],
  ['python', () => import('highlight.js/lib/languages/python')],
  ['r', () => import('highlight.js/lib/languages/r')],
  ['ruby', () => import('highlight.js/lib/languages/ruby')],
  ['rust', () => import('highlight.js/lib/languages/rust')],
  ['scala', () => import('highlight.js/lib/languages/scala')],
  ['scss', () => import('highlight.js/lib/languages/scss')],
  ['shell', () => import('highlight.js/lib/languages/shell')],
  ['sql', () => import('highlight.js/lib/languages/sql')],
  ['swift', () => import('highlight.js/lib/languages/swift')],
  ['typescript', () => import('highlight.js/lib/languages/typescript')],
  ['xml', () => import('highlight.js/lib/languages/xml')],
  ['yaml', () => import('highlight.js/lib/languages/yaml')],
]);

const ALIASES: Readonly<Record<string, string>> = {
  'c#': 'csharp',
  'c++': 'cpp',
  cc: 'cpp',
  cjs: 'javascript',
  console: 'shell',
  cs: 'csharp',
  docker: 'dockerfile',
  golang: 'go',
  h: 'c',
  hpp: 'cpp',
  html: 'xml',
  js: 'javascript',
  jsonc: 'json',
  jsx: 'javascript',
  kt: 'kotlin',
  make: 'makefile',
  md: 'markdown',
  mjs: 'javascript',
  'objective-c': 'objectivec',
  patch: 'diff',
  ps1: 'powershell',
  py: 'python',
  py3: 'python',
  python3: 'python',
  rb: 'ruby',
  rs: 'rust',
  sh: 'bash',
  svg: 'xml',
  tex: 'latex',
  toml: 'ini',
  ts: 'typescript',
  tsx: 'typescript',
  vue: 'xml',
  yml: 'yaml',
  zsh: 'bash',
};

const low = createLowlight();
const loaded = new Map<string, Promise<void>>();

/** Code in colours; undefined in a language that is not known. */
export async function colours(code: string, language: string): Promise<Node[] | undefined> {
  const given = language.toLowerCase();
  const name = Object.hasOwn(ALIASES, given) ? `${ALIASES[given]}` : given;
  const load = LANGUAGES.get(name);
  if (!load) return undefined;
  let ready = loaded.get(name);
  if (!ready) {
    ready = load().then((module) => low.register(name, module.default));
    loaded.set(name, ready);
    // The next code of this language tries again.
    ready.catch(() => loaded.delete(name));
  }
  await ready;
  return nodes(low.highlight(name, code).children);
}

function nodes(children: Tree['children']): Node[] {
  return children.flatMap((child): Node[] => {
    if (child.type === 'text') return [new Text(child.value)];
    if (child.type !== 'element') return [];
    const { className } = child.properties;
    const name = Array.isArray(className) ? className.join(' ') : '';
    return [h('span', { class: name }, ...nodes(child.children))];
  });
}
