/** The program beside this module: TypeScript in the source tree, JavaScript in the published package. */
export function engineProgram(): { readonly url: URL; readonly execArguments: readonly string[] } {
  const here = import.meta.url;
  return here.endsWith('.ts')
    ? {
        url: new URL('../engine-process.ts', here),
        execArguments: ['--conditions=@osforge/source', '--disable-warning=ExperimentalWarning'],
      }
    : { url: new URL('./engine-process.js', here), execArguments: [] };
}
