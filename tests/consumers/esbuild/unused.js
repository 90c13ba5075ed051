// Must bundle to nothing.

import { ConversationStore } from 'conversation-store';
