// The switch between the languages of the page.

import { chooseLanguage, currentLanguage, LANGUAGE_NAMES, LANGUAGES, t } from '../i18n/index.ts';
import { menuButton } from '../menu.ts';

/** In the state of the address, which a reload keeps: the language was chosen just now. */
const CHOSEN = 'language';

/** The switch between languages. Drafts survive the reload that follows. */
export function languageButton(): HTMLElement {
  const current = currentLanguage();
  const name = LANGUAGE_NAMES[current];
  const button = menuButton(
    t('sidebar.language', { name }),
    () =>
      LANGUAGES.map((each) => ({
        label: LANGUAGE_NAMES[each],
        lang: each,
        icon: each === current ? 'check' : 'globe',
        current: each === current,
        run: () => {
          chooseLanguage(each);
          history.replaceState({ [CHOSEN]: true }, '');
          location.reload();
        },
      })),
    { class: 'icon-button foot-language', 'data-testid': 'language' },
    'globe',
  );
  if (history.state?.[CHOSEN]) {
    // When it is in the page: where one was before the reload.
    requestAnimationFrame(() => {
      button.focus();
      if (document.activeElement === button) history.replaceState({}, '');
    });
  }
  return button;
}
