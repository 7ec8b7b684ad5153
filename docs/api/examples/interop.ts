// Examples of models and arrays of other frameworks.

import { type Examples } from './stage.ts';

export const interop: Examples = {};
