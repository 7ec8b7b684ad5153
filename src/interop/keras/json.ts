import { isRecord } from '../../data/safetensorsHeader.ts';
import { refuse } from './refusal.ts';
import type { Config } from './layerOptions.ts';

/** More lists and objects within each other than any model's config has. */
const DEEPEST = 256;

/** How deep lists and objects lie within each other. */
function depthOf(text: string): number {
  let [depth, deepest, isText] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') isText = !isText;
    else if (isText) at += letter === '\\' ? 1 : 0;
    else if (letter === '{' || letter === '[') deepest = Math.max(deepest, ++depth);
    else if (letter === '}' || letter === ']') depth--;
  }
  return deepest;
}

/** The object in a file of JSON. @throws FormatError for what is none, or is nested deeper than models are */
export function objectIn(file: string, bytes: Uint8Array): Config {
  let [text, given]: [string, unknown] = ['', undefined];
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (depthOf(text) <= DEEPEST) given = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (isRecord(given)) return given;
  refuse(file, 'is no object in JSON', `it was damaged, or is nested deeper than ${DEEPEST}`);
}
