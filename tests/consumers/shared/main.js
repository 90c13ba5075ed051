/**
 * The entry of the consumers that give `open` no options.
 */

import { show } from './app.js';

show();
