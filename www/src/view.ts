// What the main part of the page can show: one of these at a time.

export interface View {
  readonly element: HTMLElement;
  /** Takes the focus where nothing is to be written. */
  readonly heading: HTMLElement;
  /** Focuses what one most likely came for. */
  focus(): void;
  dispose?(): void;
}
