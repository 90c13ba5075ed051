// The Korean texts.

import type { Catalog } from '../types.ts';
import { app } from './app.ts';
import { brains } from './brains.ts';
import { chat } from './chat.ts';
import { common } from './common.ts';
import { firstRun } from './firstRun.ts';
import { problems } from './problems.ts';
import { search } from './search.ts';
import { sidebar } from './sidebar.ts';
import { storage } from './storage.ts';
import { transfer } from './transfer.ts';
import { trash } from './trash.ts';

export default {
  app,
  brains,
  chat,
  common,
  firstRun,
  problems,
  search,
  sidebar,
  storage,
  transfer,
  trash,
} satisfies Catalog;
