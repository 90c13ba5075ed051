// The frame around everything.

export const app = {
  name: 'Chats',
  skip: 'Skip to the chat',
  notifications: 'Notifications',
  outdated: 'A newer version is open in another tab. Reload to go on; drafts are kept.',
  didNotWork: 'That did not work',
  updateReady: 'A new version of this page is ready.',
  updateUse: 'Use it now',
} as const;
