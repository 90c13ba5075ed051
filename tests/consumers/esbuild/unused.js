// Must bundle to nothing.

// biome-ignore lint/correctness/noUnusedImports: that it is not used is what is tested
import { ConversationStore } from 'conversation-store';
