// A server component, as pages are.

import { Chats } from './chats';

export default function Page() {
  return <Chats />;
}
