// The models that are connected, to be changed, removed and added to.

import { ask, makeDialog } from '../dialog.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';
import { icon } from '../icons.ts';
import { ConnectForm } from './connect-form.ts';
import { type Endpoint, type Endpoints, hostOf } from './endpoints.ts';

/**
 * Lets the reader connect a model. Resolves, when that is closed, to the name of the one that was saved
 * last; undefined if none was.
 *
 * @param edit The endpoint to begin with.
 */
export function openConnectDialog(
  endpoints: Endpoints,
  edit?: string,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let saved: string | undefined;
    let form: ConnectForm | undefined;
    const list = h('ul', { class: 'endpoints', 'data-testid': 'endpoints' });
    const place = h('div', {});
    const done = h(
      'button',
      {
        type: 'button',
        class: 'button',
        'data-testid': 'connect-done',
        onclick: () => dialog.close(),
      },
      t('common.close'),
    );
    const show = (endpoint?: Endpoint) => {
      form?.dispose();
      form = new ConnectForm(
        endpoints,
        {
          saved: (name) => {
            saved = name;
            render();
          },
        },
        endpoint,
      );
      form.element.querySelector('.dialog-actions')?.prepend(done);
      place.replaceChildren(form.element);
    };
    const remove = async ({ name, url }: Endpoint) => {
      const yes = await ask({
        title: t('brains.removeTitle', { name }),
        text: t('brains.removeText', { host: hostOf(url) }),
        yes: t('brains.remove'),
      });
      if (!yes) return;
      endpoints.remove(name);
      if (saved === name) saved = undefined;
      show();
      render();
      form?.focus();
    };
    const render = () => {
      list.replaceChildren(
        ...endpoints.all.map((endpoint) =>
          h(
            'li',
            { class: 'endpoint' },
            h(
              'span',
              { class: 'endpoint-name' },
              h('strong', { dir: 'auto' }, endpoint.name),
              h('span', { class: 'endpoint-host', dir: 'ltr' }, hostOf(endpoint.url)),
            ),
            h(
              'button',
              {
                type: 'button',
                class: 'icon-button small',
                'aria-label': t('brains.change', { name: endpoint.name }),
                onclick: () => {
                  show(endpoints.find(endpoint.name));
                  form?.focus();
                },
              },
              icon('pencil'),
            ),
            h(
              'button',
              {
                type: 'button',
                class: 'icon-button small',
                'aria-label': t('brains.removeNamed', { name: endpoint.name }),
                onclick: () => void remove(endpoint),
              },
              icon('trash'),
            ),
          ),
        ),
      );
      list.hidden = list.childElementCount === 0;
    };
    const dialog = makeDialog(
      t('brains.connect'),
      h('h2', { class: 'dialog-title' }, t('brains.connect')),
      h('p', { class: 'dialog-text' }, t('brains.connectText')),
      list,
      place,
    );
    dialog.classList.add('panel');
    dialog.dataset.testid = 'connect-dialog';
    show(edit === undefined ? undefined : endpoints.find(edit));
    render();
    dialog.addEventListener('close', () => {
      form?.dispose();
      dialog.remove();
      resolve(saved);
    });
    document.body.append(dialog);
    dialog.showModal();
    form?.focus();
  });
}
