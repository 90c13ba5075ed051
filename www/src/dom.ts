// Makes elements. Text always becomes a text node, never markup; styles live in style.css only.
// Knows nothing of chats or of the store.

type Attribute = string | number | boolean | undefined | ((event: never) => void);
type Child = Node | string | false | undefined;

/**
 * An element with attributes, listeners (`onclick`, …) and children. `true` sets an empty
 * attribute; `false` and `undefined` set none.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name.slice(2), value as EventListener);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  for (const child of children) {
    if (child !== false && child !== undefined) element.append(child);
  }
  return element;
}

/** True while an input method still builds a character: such a key is not the page's to act on. */
export function isComposing(event: KeyboardEvent): boolean {
  // Safari ends the composition before the Enter that ended it; only 229 tells it then.
  return event.isComposing || event.keyCode === 229;
}

/** True where a key press writes text, so that no shortcut may take it. */
export function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLInputElement && target.type !== 'radio')
  );
}

/** True where a hardware keyboard is likely, so that focusing a field opens no screen keyboard. */
export function hasKeyboard(): boolean {
  return matchMedia('(hover: hover) and (pointer: fine)').matches;
}
