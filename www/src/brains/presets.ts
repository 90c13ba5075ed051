// Where models are mostly reached: what has to be filled in for them.

export interface Preset {
  id: 'openai' | 'openrouter' | 'ollama' | 'lmstudio' | 'other';
  /** Its own name, the same in every language; '' where it is the reader's. */
  label: string;
  /** The brain it becomes unless another name is chosen. */
  name: string;
  url: string;
  model: string;
  needsKey: boolean;
}

export const PRESETS: readonly Preset[] = [
  {
    id: 'openai',
    label: 'OpenAI',
    name: 'openai',
    url: 'https://api.openai.com/v1',
    model: 'gpt-4o-mini',
    needsKey: true,
  },
  {
    id: 'openrouter',
    label: 'OpenRouter',
    name: 'openrouter',
    url: 'https://openrouter.ai/api/v1',
    model: 'openrouter/auto',
    needsKey: true,
  },
  {
    id: 'ollama',
    label: 'Ollama',
    name: 'ollama',
    url: 'http://localhost:11434/v1',
    model: '',
    needsKey: false,
  },
  {
    id: 'lmstudio',
    label: 'LM Studio',
    name: 'lm-studio',
    url: 'http://localhost:1234/v1',
    model: '',
    needsKey: false,
  },
  { id: 'other', label: '', name: '', url: '', model: '', needsKey: false },
];

/** The preset that an address belongs to. */
export function presetOf(url: string): Preset['id'] {
  const known = PRESETS.find((preset) => preset.url !== '' && url.startsWith(preset.url));
  if (known) return known.id;
  if (/:11434(?:\/|$)/.test(url)) return 'ollama';
  return /:1234(?:\/|$)/.test(url) ? 'lmstudio' : 'other';
}
