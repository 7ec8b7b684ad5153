// The language is mended first: uplot asks Intl for it while it is loaded. Both files stand under sideEffects in
// package.json, or a build would leave the mending out.
import './language.ts';

export { default as uPlot } from 'uplot';
