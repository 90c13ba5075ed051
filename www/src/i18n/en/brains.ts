// Who answers, and how a model is connected.

export const brains = {
  offlineHint:
    '“{{name}}” answers on this page, with no network. Under any other name a chat is kept, and no answer comes by itself.',
} as const;
