/** What JSON can say: no undefined, no NaN or Infinity, no Date, Map, function or class instance. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/**
 * A JSON object. Declare your own shapes with `type`, not `interface`: TypeScript lets only the former stand
 * where an index signature is asked for.
 */
export type JsonObject = { readonly [key: string]: JsonValue };
