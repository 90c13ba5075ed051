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

/**
 * Gives a parent exactly these children, in this order. What is in its place is not touched, and what
 * has the focus never: moved it would lose it, so the others move around it.
 */
export function arrange(parent: HTMLElement, children: readonly HTMLElement[]): void {
  const kept = new Set<Element>(children);
  for (const child of [...parent.children]) {
    if (!kept.has(child)) child.remove();
  }
  let focused = document.activeElement;
  while (focused && focused.parentElement !== parent) focused = focused.parentElement;
  let next = parent.firstElementChild;
  for (const child of children) {
    // What stands before the one with the focus and belongs behind it is put there in its turn.
    if (child === next || child === focused) next = child.nextElementSibling;
    else parent.insertBefore(child, next);
  }
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
