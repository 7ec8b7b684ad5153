// Loaded before each file of tests. A busy core is one less for compiling kernels and for a driver in software: where there
// are two, tests take twice as long.

import { waitQuietly } from '../../src/node/quietWaits.ts';

waitQuietly();
