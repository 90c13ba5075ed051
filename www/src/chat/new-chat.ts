// Where a chat begins: a title and a brain if one likes, and the first message. Nothing is stored
// before Create or Send.

import type { Conversation } from 'conversation-store';
import { backLink } from './chat-view.ts';
import type { Chats } from './chats.ts';
import { Composer } from './composer.ts';
import { h, isComposing } from '../dom.ts';
import type { Draft, Drafts } from './drafts.ts';
import { t } from '../i18n/index.ts';
import { titleFrom } from '../text.ts';
import type { Toasts } from '../toasts.ts';
import type { View } from '../view.ts';
import { OFFLINE } from '../words.ts';

const KEY = 'new';

export interface NewChatActions {
  opened: (conversation: Conversation) => void;
  escape: () => void;
}

export class NewChat implements View {
  readonly element: HTMLElement;
  readonly heading = h('h2', { class: 'chat-title', tabindex: -1 }, t('common.newChat'));
  readonly #title = h('input', {
    class: 'field',
    id: 'new-title',
    type: 'text',
    maxlength: 10_000,
    autocomplete: 'off',
    dir: 'auto',
    placeholder: t('chat.titlePlaceholder'),
    'data-testid': 'new-title',
  });
  readonly #brain = h('input', {
    class: 'field',
    id: 'new-brain',
    type: 'text',
    maxlength: 1_000,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    dir: 'auto',
    list: 'new-brains',
    'data-testid': 'new-brain',
  });
  readonly #composer: Composer;
  #busy = false;

  constructor(
    private readonly chats: Chats,
    private readonly drafts: Drafts,
    private readonly toasts: Toasts,
    private readonly actions: NewChatActions,
  ) {
    this.#brain.value = chats.likelyBrain;
    const form = h(
      'form',
      { class: 'new-form', 'aria-label': t('common.newChat') },
      h(
        'div',
        { class: 'new-field' },
        h('label', { for: 'new-title' }, t('common.title')),
        this.#title,
      ),
      h(
        'div',
        { class: 'new-field' },
        h('label', { for: 'new-brain' }, t('common.brain')),
        this.#brain,
        h('datalist', { id: 'new-brains' }, ...chats.brains.map((value) => h('option', { value }))),
      ),
      h(
        'button',
        { type: 'submit', class: 'button', 'data-testid': 'create' },
        t('chat.createEmpty'),
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#create();
    });
    form.addEventListener('keydown', (event) => {
      // Enter that ends a composition must not submit the form as well.
      if (event.key === 'Enter' && isComposing(event)) event.preventDefault();
      else if (event.key === 'Escape' && !isComposing(event)) actions.escape();
    });
    const hint = h('p', { class: 'new-hint' }, t('brains.offlineHint', { name: OFFLINE }));
    this.#composer = new Composer(drafts.get(KEY), {
      send: (draft) => void this.#create(draft),
      changed: (draft) => drafts.set(KEY, draft),
      escape: actions.escape,
    });
    this.element = h(
      'div',
      { class: 'view', 'data-testid': 'new-chat' },
      h(
        'header',
        { class: 'chat-head' },
        backLink(),
        h('div', { class: 'chat-name' }, this.heading),
      ),
      h('div', { class: 'scroller' }, h('div', { class: 'column' }, form, hint)),
      this.#composer.element,
    );
  }

  focus(): void {
    this.#composer.focus();
  }

  async #create(first?: Draft): Promise<void> {
    if (this.#busy) {
      if (first) this.#giveBack(first);
      return;
    }
    this.#busy = true;
    this.element.setAttribute('aria-busy', 'true');
    const title = this.#title.value.trim() || (first ? titleFrom(first.text) : t('common.newChat'));
    const brain = this.#brain.value.trim() || 'claude';
    let conversation: Conversation;
    try {
      conversation = await this.chats.create(title, brain);
    } catch (error) {
      if (first) this.#giveBack(first);
      this.toasts.fail(t('chat.notCreated'), error);
      this.#busy = false;
      this.element.removeAttribute('aria-busy');
      return;
    }
    if (first) {
      try {
        await this.chats.say(conversation, first);
      } catch (error) {
        this.drafts.giveBack(conversation.uid, first);
        this.toasts.fail(t('chat.firstNotSaved'), error);
      }
    }
    this.actions.opened(conversation);
  }

  #giveBack(draft: Draft): void {
    this.drafts.giveBack(KEY, draft);
    this.#composer.fill(this.drafts.get(KEY));
  }
}
