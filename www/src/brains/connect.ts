// The way to the dialog that connects a model, which is loaded when somebody wants it.

import type { Endpoints } from './endpoints.ts';

export async function connectModel(
  endpoints: Endpoints,
  edit?: string,
): Promise<string | undefined> {
  const dialog = await import('./connect-dialog.ts');
  return dialog.connectModel(endpoints, edit);
}
