// What shows a chat and what begins one, with all that they need: more than half of the page's code, and not
// needed before the list.

export { ChatView } from './chat-view.ts';
export { NewChat } from './new-chat.ts';
