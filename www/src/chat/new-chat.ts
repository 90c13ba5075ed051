// Where a chat begins: a title and a brain if one likes, and the first message. Nothing is stored
// before Create or Send.

import type { Conversation } from 'conversation-store';
import { connectModel } from '../brains/connect.ts';
import { BrainPicker } from '../brains/picker.ts';
import { whereWords } from '../brains/where.ts';
import { h, isComposing } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { titleFrom } from '../text.ts';
import type { Toasts } from '../toasts.ts';
import type { View } from '../view.ts';
import { backLink } from './back-link.ts';
import type { Chats } from './chats.ts';
import { Composer } from './composer.ts';
import type { Draft, Drafts } from './drafts.ts';
import { takeDrops } from './drop.ts';

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
  readonly #system = h('textarea', {
    class: 'field settings-system',
    id: 'new-system',
    rows: 3,
    dir: 'auto',
    maxlength: 100_000,
    placeholder: t('chat.systemPlaceholder'),
    'data-testid': 'new-system',
  });
  readonly #brain: BrainPicker;
  readonly #composer: Composer;
  readonly #unsubscribe: () => void;
  #busy = false;

  constructor(
    private readonly chats: Chats,
    private readonly drafts: Drafts,
    private readonly toasts: Toasts,
    private readonly actions: NewChatActions,
  ) {
    const { endpoints } = chats.brains;
    this.#brain = new BrainPicker('new-brain', endpoints, () => chats.knownBrains, {
      choose: () => this.#renderWhere(),
      connect: () => connectModel(endpoints),
    });
    this.#brain.brain = chats.likelyBrain;
    this.#unsubscribe = endpoints.onChange(() => this.#renderWhere());
    const form = h(
      'form',
      { class: 'new-form', 'aria-label': t('common.newChat') },
      h('p', { class: 'new-greeting' }, t('chat.greeting')),
      h(
        'p',
        { class: 'new-brain' },
        h('span', { class: 'new-label' }, t('brains.answeredBy')),
        this.#brain.element,
      ),
      h(
        'details',
        { class: 'new-more' },
        h('summary', { 'data-testid': 'new-more' }, t('chat.more')),
        h('label', { class: 'settings-label', for: 'new-title' }, t('common.title')),
        this.#title,
        h('label', { class: 'settings-label', for: 'new-system' }, t('chat.system')),
        this.#system,
        h(
          'div',
          { class: 'dialog-actions' },
          h(
            'button',
            { type: 'submit', class: 'button', 'data-testid': 'create' },
            t('chat.createEmpty'),
          ),
        ),
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
    this.#composer = new Composer(drafts.get(KEY), {
      send: (draft) => void this.#create(draft),
      changed: (draft) => drafts.set(KEY, draft),
      escape: actions.escape,
      keep: (file) => chats.keepFile(file),
      readBlob: (ref) => chats.store.getBlob(ref),
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
      h('div', { class: 'scroller' }, h('div', { class: 'column' }, form)),
      this.#composer.element,
    );
    takeDrops(this.element, this.#composer);
    this.#renderWhere();
  }

  dispose(): void {
    this.#unsubscribe();
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
    const own = this.#title.value.trim();
    const auto =
      (first && titleFrom(first.text || first.files[0]?.name || '')) || t('common.newChat');
    const system = this.#system.value.trim();
    let conversation: Conversation;
    try {
      conversation = await this.chats.create(own || auto, this.#brain.brain, {
        ...(own === '' && { autoTitle: auto }),
        ...(system !== '' && { system }),
      });
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

  #renderWhere(): void {
    this.#composer.setWhere(whereWords(this.chats.brains, this.#brain.brain, undefined));
  }

  #giveBack(draft: Draft): void {
    this.drafts.giveBack(KEY, draft);
    this.#composer.fill(this.drafts.get(KEY));
  }
}
