// Connects a model, by a dialog that is loaded when it is first wanted.

import type { Endpoints } from './endpoints.ts';

/**
 * Resolves, when the dialog is closed, to the name of the model that was saved last; undefined if none
 * was.
 *
 * @param edit The name of the one to begin with.
 */
export async function connectModel(
  endpoints: Endpoints,
  edit?: string,
): Promise<string | undefined> {
  const { openConnectDialog } = await import('./connect-dialog.ts');
  return openConnectDialog(endpoints, edit);
}
