// Who answers, and how a model is connected.

import type { brains as english } from '../en/brains.ts';
import type { Translated } from '../types.ts';

export const brains = {
  offlineHint:
    '“{{name}}” 브레인은 네트워크 없이 이 페이지에서 답합니다. 다른 이름이면 대화만 저장되고, 답은 저절로 오지 않습니다.',
} as const satisfies Translated<typeof english>;
