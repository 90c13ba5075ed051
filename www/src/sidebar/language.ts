// The switch between the languages of the page.

import { chooseLanguage, currentLanguage, LANGUAGE_NAMES, LANGUAGES, t } from '../i18n/index.ts';
import { menuButton } from '../menu.ts';

/** The switch between languages. Drafts survive the reload that follows. */
export function languageButton(): HTMLElement {
  const name = LANGUAGE_NAMES[currentLanguage()];
  return menuButton(
    t('sidebar.language', { name }),
    () =>
      LANGUAGES.map((each) => ({
        label: LANGUAGE_NAMES[each],
        lang: each,
        icon: 'globe',
        run: () => {
          chooseLanguage(each);
          location.reload();
        },
      })),
    { class: 'icon-button foot-language', 'data-testid': 'language' },
    'globe',
  );
}
