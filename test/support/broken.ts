import { apply, type Op, type Value } from '../../src/index.ts';

/** The same use of an op, but for one place in the text of its kernel, or of those of its kernels that have it. */
export function broken({ node }: Value, right: string, wrong: string): readonly Value[] {
  const op: Op = {
    ...node.op,
    gpu(used, adapter, form) {
      const launches = node.op.gpu(used, adapter, form);
      if (!launches.some(({ kernel: { source } }) => source.includes(right)))
        throw new Error(`the kernel no longer says ${right}`);
      return launches.map((launch) => {
        const source = launch.kernel.source.replaceAll(right, wrong);
        return { ...launch, kernel: { ...launch.kernel, source } };
      });
    },
  };
  return apply(op, node.inputs, node.attrs);
}
