export type { ImportedModel, ImportedTensor } from './importedModel.ts';
