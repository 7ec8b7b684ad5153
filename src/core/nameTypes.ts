/* Names, of fields say, as types carry them: `any` where nobody knows them, so that whatever has them goes everywhere. */

/** The names of a record, where they are known. */
// oxlint-disable-next-line typescript/no-explicit-any -- see above
export type NamesIn<F extends string> = string extends F ? any : F;

/** What may be said where one of the names is wanted: any text, where none is known. */
export type NameIn<F extends string> = string extends F ? string : F;
