// Must bundle to the worker.

import 'conversation-store/worker';
