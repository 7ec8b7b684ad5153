import { apply, type Op, type Value } from '../../src/index.ts';

/** The same use of an op, but for one place in the text of its kernel. */
export function broken({ node }: Value, right: string, wrong: string): readonly Value[] {
  const op: Op = {
    ...node.op,
    gpu: (used, adapter) =>
      node.op.gpu(used, adapter).map((launch) => {
        const { source } = launch.kernel;
        if (!source.includes(right)) throw new Error(`the kernel no longer says ${right}`);
        return { ...launch, kernel: { ...launch.kernel, source: source.replaceAll(right, wrong) } };
      }),
  };
  return apply(op, node.inputs, node.attrs);
}
